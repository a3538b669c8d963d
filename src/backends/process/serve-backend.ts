import type { Server } from 'node:net';
import type { Backend } from '../../contract/backend.ts';
import { BackendSession, type ServeOptions } from './backend-session.ts';
import type { Channel } from './channel.ts';
import { listenOnSocket } from './socket-channel.ts';

/**
 * Answers, for as long as the channel is open, what Sluice asks of a backend: any that keeps the storage contract, on any
 * channel. When the channel closes, what is open is aborted.
 */
export function serveBackend(channel: Channel, backend: Backend, options: ServeOptions = {}): void {
  const session = new BackendSession(channel, backend, options);
  channel.receive({
    message: (message) => void session.answer(message),
    closed: () => void session.end(),
  });
}

/** Serves a backend to whoever connects to a Unix socket: the file's owner. @throws Error `EADDRINUSE`. */
export function serveBackendOn(path: string, backend: Backend, options: ServeOptions = {}): Promise<Server> {
  return listenOnSocket(path, (channel) => serveBackend(channel, backend, options));
}
