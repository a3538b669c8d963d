import { type Context, context, createContextKey } from '@opentelemetry/api';

const TAKEN = createContextKey('what hears that S3 has taken the first bytes of an upload');

/** A context in which the first call that brings bytes to S3 calls `taken`. */
export function watchFirstBytes(within: Context, taken: () => void): Context {
  let isTaken = false;
  return within.setValue(TAKEN, () => {
    if (isTaken) return;
    isTaken = true;
    taken();
  });
}

/** S3 has taken bytes of the upload that is active. */
export function tellBytesTaken(): void {
  const taken = context.active().getValue(TAKEN) as (() => void) | undefined;
  taken?.();
}
