import { once } from 'node:events';
import { chmod, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Channel } from './channel.ts';
import { FrameReader, toFrame } from './frames.ts';

/** A channel over a stream socket, in frames that any language can read. What is no frame closes it. */
export function createSocketChannel(socket: Socket): Channel {
  return {
    send: (message) => {
      if (!socket.writable) return;
      socket.cork();
      for (const piece of toFrame(message)) socket.write(piece);
      socket.uncork();
    },
    receive: ({ message, closed }) => {
      const frames = new FrameReader();
      let cause: unknown;
      socket.on('data', (chunk: Buffer) => {
        try {
          for (const each of frames.read(chunk)) message(each);
        } catch (error) {
          socket.destroy(error as Error);
        }
      });
      socket.on('error', (error) => {
        cause = error;
      });
      socket.once('close', () => closed(cause));
    },
    close: async () => {
      if (socket.closed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}

/** Rejects when nobody listens there. */
export async function connectSocket(path: string): Promise<Channel> {
  const socket = connect(path);
  await once(socket, 'connect');
  return createSocketChannel(socket);
}

/**
 * Listens on a Unix socket that only this user can use, in place of one that a process has left behind.
 * @throws Error `EADDRINUSE` when somebody listens there.
 */
export async function listenOnSocket(path: string, accept: (channel: Channel) => void): Promise<Server> {
  await removeStale(path);
  const server = createServer((socket) => accept(createSocketChannel(socket)));
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o600);
  return server;
}

/** A socket file that nobody answers at is what is left of a process that was killed. */
async function removeStale(path: string): Promise<void> {
  try {
    await (await connectSocket(path)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') await unlink(path);
  }
}
