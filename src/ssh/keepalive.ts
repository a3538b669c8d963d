import type { Socket } from 'node:net';
import type { SocketValve } from './socket-valve.ts';

/** How long a client may be silent before it is asked whether it is still there, in milliseconds. */
export const KEEPALIVE_INTERVAL_MS = 15_000;

/** Intervals without a byte after which it is not. */
const MAX_SILENT_INTERVALS = 4;

/**
 * What ssh2 has to be told: to go on asking for ever. Its own count ends a connection whose socket is not read for
 * a minute, because the answers are not either; and the questions are needed then too, since a client that gets no
 * answer to its own (OpenSSH's ServerAliveInterval) is content with any packet.
 */
export function askForEver(intervalMs: number) {
  return { keepaliveInterval: intervalMs, keepaliveCountMax: Number.MAX_SAFE_INTEGER };
}

/** Reports once that a client has sent nothing for four intervals although it was asked and its socket was read. */
export function watchSilence(
  socket: Socket,
  valve: SocketValve,
  intervalMs: number,
  onSilent: () => void,
): void {
  let bytesRead = socket.bytesRead;
  let silentIntervals = 0;
  const watch = setInterval(() => {
    silentIntervals = valve.isShut || socket.bytesRead > bytesRead ? 0 : silentIntervals + 1;
    bytesRead = socket.bytesRead;
    if (silentIntervals < MAX_SILENT_INTERVALS) return;
    clearInterval(watch);
    onSilent();
  }, intervalMs);
  socket.once('close', () => clearInterval(watch));
}
