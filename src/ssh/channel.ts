import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import type { SftpSession, SftpTransport } from '../sftp/session.ts';
import type { ChannelInput } from './channel-inputs.ts';
import { ParkedBytes } from './parked-bytes.ts';
import { type HoldWindow, ReceiveWindow } from './receive-window.ts';
import type { SocketValve } from './socket-valve.ts';
import { numbersOf } from './ssh2-internals.ts';

/** Replies that may wait for the client in the socket before the session is told to stop, in bytes. */
const MAX_UNSENT_BYTES = 1024 * 1024;

export interface SftpChannelOptions {
  readonly channel: ServerChannel;
  readonly input: ChannelInput;
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
 * What comes while the session has no room is parked, and as soon as something is the socket is not read either. While
 * the client takes no replies the session waits, but the socket is read: the message that the client has room again comes
 * in by it. What comes in before that message is bounded by the window, and for a client that ignores the window by the end
 * of its connection.
 */
export function runSftpChannel(options: SftpChannelOptions): SftpSession {
  const { channel, input, socket, valve, holdWindow, createSession, exchange, onActivity } = options;
  const window = new ReceiveWindow({ grant: input.grant, hold: holdWindow });
  const parked = new ParkedBytes();
  let sessionWaits = false;
  let clientWaits = false;
  let isAtEnd = false;

  /** Once shut, the valve stays so until nothing is parked: each wait would let another chunk in. */
  const adjustValve = () => {
    if (parked.length === 0 || clientWaits) valve.open(channel);
    else if (sessionWaits) valve.shut(channel);
  };

  const session = createSession({
    send: (pieces) => {
      onActivity();
      window.spoken();
      const taken = sendOn(channel, socket, pieces, exchange());
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

  const hand = (bytes: Buffer) => {
    onActivity();
    const room = session.receive(bytes);
    if (room === undefined) return window.taken(bytes.length);
    sessionWaits = true;
    void room.then(() => {
      sessionWaits = false;
      window.taken(bytes.length);
      goOn();
    });
  };

  /** The session has room again. */
  const goOn = () => {
    while (!sessionWaits && parked.length > 0) hand(parked.shift() as Buffer);
    adjustValve();
    if (isAtEnd && !sessionWaits) finish();
  };

  const finish = () => {
    void session.endOfInput().then(() => {
      channel.exit(0);
      channel.end();
    });
  };

  input.divert((bytes) => {
    window.received(bytes.length);
    if (!sessionWaits && parked.length === 0) return hand(bytes);
    parked.push(bytes);
    if (parked.length > window.bytes) socket.destroy();
    else adjustValve();
  });
  channel.on('end', () => {
    isAtEnd = true;
    if (!sessionWaits) finish();
  });
  channel.on('error', () => void session.end());
  channel.on('close', () => {
    parked.clear();
    valve.open(channel);
    window.free();
    void session.end();
  });
  // It ends only when it is read.
  channel.resume();
  return session;
}

/** A promise when the client, by its window, its socket or an exchange of keys, does not take it all: it resolves once it has. */
function sendOn(
  channel: ServerChannel,
  socket: Socket,
  pieces: readonly Buffer[],
  exchange: Promise<void> | undefined,
): Promise<void> | undefined {
  const taken = new Promise<void>((resolve) => write(channel, pieces, resolve));
  if (channel.writableLength > 0) return taken.then(() => drained(socket));
  if (exchange !== undefined) return exchange.then(() => drained(socket));
  return socket.writableLength > MAX_UNSENT_BYTES ? drained(socket) : undefined;
}

/** ssh2 copies what the client has room for into its packets, and keeps the rest as it is: that must not be a piece of something larger. */
function write(channel: ServerChannel, pieces: readonly Buffer[], onTaken: () => void): void {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  const hasRoom = channel.writableLength === 0 && numbersOf(channel).outgoing.window >= bytes;
  const kept = pieces.length === 1 || hasRoom ? pieces : [Buffer.concat(pieces)];
  for (const piece of kept.slice(0, -1)) channel.write(piece);
  channel.write(kept.at(-1), onTaken);
}

function drained(socket: Socket): Promise<void> {
  if (!socket.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => socket.once('drain', resolve));
}
