import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import type { SftpSession, SftpTransport } from '../sftp/session.ts';
import { FIRST_WINDOW_BYTES, type HoldWindow, ReceiveWindow, windowOf } from './receive-window.ts';
import type { SocketValve } from './socket-valve.ts';

/**
 * What may lie unread in one channel beyond its window, in bytes. ssh2 fills the first window up again as soon as half of it is
 * used, so half of that can arrive legitimately; it does not enforce the window itself (mscdex/ssh2 issue 1505).
 */
const UNREAD_MARGIN_BYTES = FIRST_WINDOW_BYTES;

/** Replies that may wait for the client in the socket before the session is told to stop, in bytes. */
const MAX_UNSENT_BYTES = 1024 * 1024;

export interface SftpChannelOptions {
  readonly channel: ServerChannel;
  readonly socket: Socket;
  readonly valve: SocketValve;
  /** Accounts for windows that are larger than the first. */
  readonly holdWindow: HoldWindow;
  readonly createSession: (transport: SftpTransport) => SftpSession;
  /** Resolves when the keys are exchanged that are being exchanged, if so: ssh2 keeps what is sent until then. */
  readonly exchange: () => Promise<void> | undefined;
  /** Runs whenever the client sends requests or takes replies. */
  readonly onActivity: () => void;
}

/**
 * Runs an SFTP session on the raw channel of the subsystem. Backpressure both ways.
 *
 * While the session has no room the channel is not read, and as soon as something lies unread in it the socket is
 * not read either. While the client takes no replies the session waits, but the socket is read: the message that
 * the client has room again comes in by it. What comes in before that message is bounded by the window, and for a
 * client that ignores the window by the end of its connection.
 */
export function runSftpChannel(options: SftpChannelOptions): SftpSession {
  const { channel, socket, valve, holdWindow, createSession, exchange, onActivity } = options;
  const window = new ReceiveWindow({ control: windowOf(channel), hold: holdWindow });
  let sessionWaits = false;
  let clientWaits = false;

  /** Once shut, the valve stays so until the channel is read empty: each wait would let another chunk in. */
  const adjustValve = () => {
    if (channel.readableLength === 0 || clientWaits) valve.open(channel);
    else if (sessionWaits) valve.shut(channel);
  };

  const session = createSession({
    send: (bytes) => {
      onActivity();
      window.spoken();
      const taken = sendOn(channel, socket, bytes, exchange());
      if (taken === undefined) return undefined;
      clientWaits = true;
      adjustValve();
      return taken.then(() => {
        clientWaits = false;
        adjustValve();
        onActivity();
      });
    },
    close: () => channel.close(),
  });

  channel.on('data', (chunk: Buffer) => {
    onActivity();
    window.heard();
    const room = session.receive(chunk);
    if (room !== undefined) {
      sessionWaits = true;
      channel.pause();
      void room.then(() => {
        sessionWaits = false;
        channel.resume();
        window.taken(chunk.length);
      });
    } else window.taken(chunk.length);
    adjustValve();
  });
  channel.on('end', () => {
    void session.endOfInput().then(() => {
      channel.exit(0);
      channel.end();
    });
  });
  channel.on('error', () => void session.end());

  /** ssh2 has put what came into its channels by now: it listens to the socket since before this channel was. */
  const onRead = () => {
    if (channel.readableLength > window.bytes + UNREAD_MARGIN_BYTES) socket.destroy();
    else adjustValve();
  };
  socket.on('data', onRead);
  channel.on('close', () => {
    socket.off('data', onRead);
    valve.open(channel);
    window.free();
    void session.end();
  });
  return session;
}

/** A promise when the client, by its window, its socket or an exchange of keys, does not take it all: it resolves once it has. */
function sendOn(
  channel: ServerChannel,
  socket: Socket,
  bytes: Buffer,
  exchange: Promise<void> | undefined,
): Promise<void> | undefined {
  const taken = new Promise<void>((resolve) => channel.write(bytes, () => resolve()));
  if (channel.writableLength > 0) return taken.then(() => drained(socket));
  if (exchange !== undefined) return exchange.then(() => drained(socket));
  return socket.writableLength > MAX_UNSENT_BYTES ? drained(socket) : undefined;
}

function drained(socket: Socket): Promise<void> {
  if (!socket.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => socket.once('drain', resolve));
}
