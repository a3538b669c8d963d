import { type UploadFinishedEvent, uploadFinishedEvent } from 'sluice';
import { z } from 'zod';

/** What every CloudEvents event has, whatever it tells. */
const envelope = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
});

export type Received =
  | { readonly upload: UploadFinishedEvent }
  /** An event that tells of something else, in which this consumer has no part. */
  | { readonly otherType: string };

export class InvalidMessageError extends Error {
  override readonly name = 'InvalidMessageError';
}

/**
 * A version of the finished upload that is not known here is invalid, not "something else": it would be work, and
 * it must not get lost.
 *
 * @throws InvalidMessageError; its message says what is wrong and quotes nothing of the body.
 */
export function readEvent(body: string | undefined): Received {
  const json = parseJson(body ?? '');
  const { type } = checked(envelope, json);
  if (!type.startsWith('sluice.upload.finished.')) return { otherType: type };
  return { upload: checked(uploadFinishedEvent, json) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidMessageError('the body is not JSON');
  }
}

function checked<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new InvalidMessageError(faults.join('; '));
}
