import { GeneratedContent } from './driver/content.ts';

/**
 * After so many bytes they begin anew. It is a prime, so that pieces that begin at round numbers differ from each other, and one
 * in the wrong place changes the CRC32.
 */
const PERIOD = 1_048_583;

let period: Buffer | undefined;

/**
 * The bytes from `start` up to `end` of the one file that is made up, the same in every process: as good as random, and
 * nothing is computed or copied for them after the first time.
 */
export function* madeBytes(start: number, end: number): Generator<Buffer> {
  const bytes = periodOf();
  for (let at = start; at < end; ) {
    const within = at % PERIOD;
    const piece = bytes.subarray(within, Math.min(PERIOD, within + end - at));
    yield piece;
    at += piece.length;
  }
}

function periodOf(): Buffer {
  if (period === undefined) {
    period = Buffer.alloc(PERIOD);
    new GeneratedContent('made').fill(period);
  }
  return period;
}
