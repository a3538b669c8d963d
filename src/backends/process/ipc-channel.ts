import type { ChildProcess } from 'node:child_process';
import type { Channel } from './channel.ts';

/** How long a child that was let go of may take to end by itself, before it is killed. */
const FAREWELL_MS = 5000;

/** Sent when the channel has closed meanwhile: its end is told by 'disconnect'. */
const lost = () => undefined;

/**
 * A channel from a child to the process that has forked it (`child_process.fork` with `serialization: 'advanced'`).
 * @throws Error when the process was not forked.
 */
export function createParentChannel(child: NodeJS.Process): Channel {
  if (child.send === undefined) throw new Error('this process was not forked: it has no parent to serve');
  return {
    send: (message) => {
      if (child.connected) child.send?.(message, undefined, undefined, lost);
    },
    receive: ({ message, closed }) => {
      child.on('message', message);
      child.once('disconnect', () => closed());
    },
    close: async () => {
      if (child.connected) child.disconnect?.();
    },
  };
}

/** A channel to a forked child. Closing it ends the child: with SIGTERM, which it may use to clean up, then with SIGKILL. */
export function createChildChannel(child: ChildProcess): Channel {
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    send: (message) => {
      if (child.connected) child.send(message, undefined, undefined, lost);
    },
    receive: ({ message, closed }) => {
      child.on('message', message);
      child.once('error', (cause) => closed(cause));
      child.once('exit', (code, signal) => closed(new Error(`the process ended: ${signal ?? code}`)));
      child.once('disconnect', () => closed());
    },
    close: async () => {
      if (child.pid === undefined) return;
      if (child.connected) child.disconnect();
      child.kill('SIGTERM');
      const killing = setTimeout(() => child.kill('SIGKILL'), FAREWELL_MS);
      await exited;
      clearTimeout(killing);
    },
  };
}
