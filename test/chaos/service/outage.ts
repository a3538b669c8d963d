import { setTimeout as pause } from 'node:timers/promises';
import type { ProxyFaultAction } from '../../support/fault-proxy.ts';
import { groups } from './groups.ts';
import { identity, type SentUpload } from './journal.ts';
import { OUTBOX } from './moments.ts';
import { Uploader } from './uploader.ts';
import { type Observed, type Violation, verify } from './verify.ts';
import { World, within } from './world.ts';

export interface OutageOptions {
  /** How long SQS is away: half of it it refuses, half of it it never answers. */
  readonly seconds: number;
  /** Before the outage and after it. */
  readonly calmSeconds: number;
  /** SQS falls silent while it is believed to be well, and refuses after that. */
  readonly silentFirst: boolean;
  readonly connections: number;
  readonly seed: number;
  readonly everyObject: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly fault?: ProxyFaultAction;
}

export interface OutageResult {
  /** By the phase in which their CLOSE was sent. */
  readonly uploads: ReadonlyMap<string, readonly SentUpload[]>;
  /** Jobs that were written into the outbox. */
  readonly records: number;
  /** From the end of the outage until the last job had come of what was closed before that; undefined when none did. */
  readonly recoverySeconds: number | undefined;
  readonly observed: Observed;
  readonly violations: readonly Violation[];
}

/** A CLOSE that has no answer by then has none. */
const LONGEST_CLOSE_MS = 60_000;

/** Takes SQS away while clients upload small files: none of them may notice, and no job may be lost. */
export async function takeQueueAway(options: OutageOptions): Promise<OutageResult> {
  const world = await World.create(options.env);
  try {
    const server = await world.startServer();
    const stop = new AbortController();
    const account = world.account(server);
    const uploading = Promise.all(
      uploaders(world, options).map((uploader) => uploader.run(account, stop.signal)),
    );
    const starts = new Map<string, number>();
    for (const phase of phases(options)) {
      options.say(`${phase.name}: ${phase.seconds.toFixed(1)} s`);
      starts.set(phase.name, performance.now());
      await play(phase, world);
    }
    stop.abort();
    await within(uploading, LONGEST_CLOSE_MS);
    await world.drain(server);
    await server.stop();
    const observed = world.observed({
      everyObject: options.everyObject,
      mustAcknowledge: true,
      mustTell: true,
    });
    return {
      uploads: byPhase(observed.uploads, starts),
      records: observed.versions.filter(({ key }) => key.startsWith(OUTBOX)).length,
      recoverySeconds: recoverySeconds(observed, starts.get('after') ?? 0),
      observed,
      violations: verify(observed),
    };
  } finally {
    await world.close();
  }
}

function uploaders({ journal }: World, { connections, seed }: OutageOptions): Uploader[] {
  return Array.from({ length: connections }, (_, index) => {
    let count = 0;
    const next = () => ({ path: `/o${index + 1}-${++count}`, size: 1024 });
    return new Uploader({ name: `${seed} o${index + 1}`, journal, next });
  });
}

function phases({ seconds, calmSeconds, silentFirst }: OutageOptions): Phase[] {
  const refusing: Phase[] = [
    { name: 'connections reset', seconds: seconds / 4, fault: { reset: 'request' } },
    { name: 'status 503', seconds: seconds / 4, fault: { respond: { status: 503 } } },
  ];
  const silent: Phase = { name: 'no answer', seconds: seconds / 2, fault: { hang: 'request' } };
  return [
    { name: 'before', seconds: calmSeconds },
    ...(silentFirst ? [silent, ...refusing] : [...refusing, silent]),
    { name: 'after', seconds: calmSeconds },
  ];
}

async function play({ seconds, fault }: Phase, { around: { sqs } }: World): Promise<void> {
  const inForce = fault === undefined ? undefined : sqs.fault(fault);
  await pause(seconds * 1000);
  inForce?.release();
}

function recoverySeconds({ uploads, jobs }: Observed, recovered: number): number | undefined {
  const early = uploads.filter(({ closeAt = Number.POSITIVE_INFINITY }) => closeAt < recovered);
  const names = new Set(early.map(identity));
  const late = jobs.filter((job) => job.at >= recovered && names.has(identity(job)));
  return late.length === 0 ? undefined : (Math.max(...late.map(({ at }) => at)) - recovered) / 1000;
}

function byPhase(
  uploads: readonly SentUpload[],
  starts: ReadonlyMap<string, number>,
): Map<string, SentUpload[]> {
  const phaseAt = (time: number) => [...starts].findLast(([, start]) => start <= time)?.[0] ?? '';
  const found = groups(
    uploads.filter(({ closeAt }) => closeAt !== undefined),
    ({ closeAt = 0 }) => phaseAt(closeAt),
  );
  return new Map([...starts.keys()].map((phase) => [phase, found.get(phase) ?? []]));
}
