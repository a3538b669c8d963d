import type { Socket } from 'node:net';
import { type ProxyHeader, readProxyHeader } from './proxy-protocol.ts';

/** How long a header may take to arrive, in milliseconds; the specification asks for 3 seconds at least (section 2). */
export const HEADER_TIMEOUT_MS = 5000;

/** `malformed`: it begins with something else. `late`: what there is of it, if anything, did not become whole in time. */
export type TakenHeader = ProxyHeader | 'malformed' | 'late';

/**
 * Takes the header off the beginning of a connection that nobody has read from. `onTaken` runs once, with the socket paused and
 * every byte that is not the header's yet to be read from it; not at all when the connection ends before.
 */
export function takeProxyHeader(
  socket: Socket,
  timeoutMs: number,
  onTaken: (taken: TakenHeader) => void,
): void {
  let held: Buffer = Buffer.alloc(0);
  const settle = (taken?: TakenHeader) => {
    clearTimeout(timer);
    socket.off('data', onData).off('error', onError).off('close', onClose);
    if (taken === undefined) return;
    socket.pause();
    const rest = typeof taken === 'string' ? held : held.subarray(taken.length);
    if (rest.length > 0) socket.unshift(rest);
    onTaken(taken);
  };
  const onData = (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    const reading = readProxyHeader(held);
    if (reading !== 'incomplete') settle(reading);
  };
  // It is reset: 'close' follows.
  const onError = () => undefined;
  const onClose = () => settle();
  const timer = setTimeout(() => settle('late'), timeoutMs);
  socket.on('data', onData).on('error', onError).on('close', onClose);
  socket.resume();
}
