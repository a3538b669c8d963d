import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import type { SftpSession, SftpTransport } from '../sftp/session.ts';

/**
 * Most that may lie unread in one channel, in bytes. ssh2 opens a window of 2 MiB again as soon as half of it is
 * used, so 3 MiB can arrive legitimately; it does not enforce the window itself (mscdex/ssh2 issue 1505).
 */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

/** Replies that may wait for the client in the socket before the session is told to stop, in bytes. */
const MAX_UNSENT_BYTES = 1024 * 1024;

/**
 * Runs an SFTP session on the raw channel of the subsystem. Backpressure both ways: while the session has no
 * room the channel is not read, so the SSH window closes; while the client takes no replies the session waits.
 */
export function runSftpChannel(
  channel: ServerChannel,
  socket: Socket,
  createSession: (transport: SftpTransport) => SftpSession,
): SftpSession {
  const session = createSession({
    send: (bytes) => {
      const taken = new Promise<void>((resolve) => channel.write(bytes, () => resolve()));
      if (channel.writableLength > 0) return taken.then(() => drained(socket));
      return socket.writableLength > MAX_UNSENT_BYTES ? drained(socket) : undefined;
    },
    close: () => channel.close(),
  });

  channel.on('data', (chunk: Buffer) => {
    const room = session.receive(chunk);
    if (room === undefined) return;
    channel.pause();
    void room.then(() => channel.resume());
  });
  channel.on('end', () => {
    void session.endOfInput().then(() => {
      channel.exit(0);
      channel.end();
    });
  });
  channel.on('error', () => void session.end());

  const guard = () => {
    if (channel.readableLength > MAX_UNREAD_BYTES) socket.destroy();
  };
  socket.on('data', guard);
  channel.on('close', () => {
    socket.off('data', guard);
    void session.end();
  });
  return session;
}

function drained(socket: Socket): Promise<void> {
  if (!socket.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => socket.once('drain', resolve));
}
