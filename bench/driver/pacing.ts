/**
 * How long a client waits before it sends the byte at `offset`, in milliseconds, `elapsedMs` after it began: none when
 * it is behind its rate, which it then catches up with as fast as it is let.
 */
export function pauseBefore(offset: number, bytesPerSecond: number | undefined, elapsedMs: number): number {
  if (bytesPerSecond === undefined) return 0;
  return Math.max(0, (offset / bytesPerSecond) * 1000 - elapsedMs);
}

/**
 * When client `index` of `count` begins, in milliseconds: paced ones spread their first writes over the time of one
 * write, so that they do not all send in the same moment for ever after.
 */
export function startOf(
  index: number,
  count: number,
  { bytesPerSecond, writeBytes }: { readonly bytesPerSecond?: number; readonly writeBytes: number },
): number {
  return bytesPerSecond === undefined ? 0 : (index / count) * (writeBytes / bytesPerSecond) * 1000;
}
