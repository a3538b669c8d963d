/**
 * How long a client waits before it sends the byte at `offset`, in milliseconds, `elapsedMs` after it began: none when
 * it is behind its rate, which it then catches up with as fast as it is let.
 */
export function pauseBefore(offset: number, bytesPerSecond: number | undefined, elapsedMs: number): number {
  if (bytesPerSecond === undefined) return 0;
  return Math.max(0, (offset / bytesPerSecond) * 1000 - elapsedMs);
}
