import { type Context, createContextKey } from '@opentelemetry/api';

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

/** Who is to hear, in a context, that S3 has taken bytes. */
export function bytesTakenIn(within: Context): (() => void) | undefined {
  return within.getValue(TAKEN) as (() => void) | undefined;
}
