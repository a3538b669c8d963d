import { z } from 'zod';
import { jobEvent, uploadFinishedEvent, uploadRenamedEvent } from './event.ts';
import type { DeliveredEvent } from './to-event.ts';

/** Folders of records. */
export const OUTBOX = 'outbox/';
/** What the queue refuses, or nobody can read: it waits there for a person. */
export const REFUSED = 'refused/';

const shared = {
  version: z.literal(1),
  /** How often it was taken out to be sent. */
  attempts: z.int().nonnegative(),
  /** Why it was set aside; who moves it back to the outbox need not remove it. */
  refusal: z.object({ at: z.iso.datetime(), reason: z.string() }).optional(),
};

/**
 * An event that is to be sent. `prepared`: only if the file has come to stand under its name, which nobody had seen yet when this
 * was written.
 */
const outboxRecord = z.discriminatedUnion('state', [
  z.object({
    ...shared,
    state: z.literal('prepared'),
    event: z.discriminatedUnion('type', [uploadFinishedEvent, uploadRenamedEvent]),
  }),
  z.object({ ...shared, state: z.literal('ready'), event: jobEvent }),
]);

export type OutboxRecord = z.infer<typeof outboxRecord>;

/** Undefined for what is no record. */
export function parseRecord(text: string): OutboxRecord | undefined {
  try {
    return outboxRecord.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Names are in the order in which the events came to be. */
export function toRecordName({ id, time }: Pick<DeliveredEvent, 'id' | 'time'>): string {
  return `${OUTBOX}${time.replace(/[^0-9TZ]/g, '')}-${encodeURIComponent(id)}.json`;
}

/** When the event of a record came to be, by the record's name; undefined for the name of something else. */
export function toRecordTime(name: string): number | undefined {
  const [, ...digits] = /^outbox\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{0,3})/.exec(name) ?? [];
  if (digits.length === 0) return undefined;
  const [year, month, day, hour, minute, second, ms] = digits.map(Number) as [number, ...number[]];
  return Date.UTC(year, (month ?? 1) - 1, day, hour, minute, second, ms);
}
