import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import type { Channel } from './channel.ts';
import { createChildChannel } from './ipc-channel.ts';
import { createWorkerChannel } from './port-channel.ts';
import { connectSocket } from './socket-channel.ts';

/** Where the backend lives. What is started here is started again when it has died. */
export type ProcessTarget =
  /** A worker thread of a module. */
  | { readonly worker: string | URL; readonly workerData?: unknown }
  /** A child process of a module; without `env` it has the environment of this process, secrets included. */
  | {
      readonly fork: string | URL;
      readonly args?: readonly string[];
      readonly env?: Readonly<Record<string, string | undefined>>;
    }
  /** A process that somebody else runs: the path of the Unix socket that it listens on. */
  | { readonly socket: string }
  /** A channel of one's own. */
  | {
      /** Called once for each life of the process. */
      readonly connect: () => Channel | Promise<Channel>;
    };

/** Makes the way to the backend, once for each life of it. */
export function createConnector(target: ProcessTarget): () => Promise<Channel> {
  if ('connect' in target) return async () => await target.connect();
  if ('socket' in target) return () => connectSocket(target.socket);
  if ('worker' in target) {
    const { worker, workerData } = target;
    return async () => createWorkerChannel(new Worker(worker, { workerData }));
  }
  const { fork: module, args = [], env } = target;
  return async () =>
    createChildChannel(
      fork(module, [...args], { serialization: 'advanced', ...(env === undefined ? {} : { env }) }),
    );
}
