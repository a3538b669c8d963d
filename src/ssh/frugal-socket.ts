import { Socket } from 'node:net';

/** Of a connection that has not taken much since it was kept waiting, and of one that has, in bytes. */
const LEAST_READ = 8 * 1024;
const MOST_READ = 128 * 1024;

/** Most while memory is waited for, in bytes: whoever is read is soon kept waiting, and parks it. */
const MOST_READ_WHEN_SHORT = 32 * 1024;

/** Where every connection's bytes are read to, one after the other. */
const arrival = Buffer.allocUnsafeSlow(MOST_READ);

/** Sockets whose bytes are looked at where they lie. */
const lending = new WeakSet<Socket>();

/** What Node's own `net.Server` uses of a socket and does not document. */
interface SocketInternals {
  readonly _handle?: unknown;
  _server?: unknown;
}

/**
 * Another socket of the same connection, which reads little at once: at most a quarter of the bytes that have come in
 * since it was paused last, between 8 and 128 KiB. Node reads 64 KiB, and that is what a connection that is kept
 * waiting parks; a thousand of them park it a thousand times. `accepted` must not have been read from, and is not to be
 * used any more. It is returned itself by a Node that keeps its handle elsewhere (docs/adr/0008-frugal-sockets.md).
 *
 * @param isShort whether memory is waited for, by whomever: then the next read is 32 KiB at most
 */
export function readFrugally(accepted: Socket, isShort: () => boolean = () => false): Socket {
  const { _handle: handle, _server: server } = accepted as SocketInternals;
  if (handle === undefined || handle === null) return accepted;
  let taken = 0;
  const options = {
    handle,
    pauseOnCreate: true,
    onread: {
      buffer: () => {
        const most = isShort() ? MOST_READ_WHEN_SHORT : MOST_READ;
        return arrival.subarray(0, Math.max(LEAST_READ, Math.min(taken / 4, most)));
      },
      callback: (length: number) => {
        taken += length;
        const bytes = arrival.subarray(0, length);
        socket.emit('data', lending.has(socket) ? bytes : Buffer.from(bytes));
        return true;
      },
    },
  };
  const socket: Socket & SocketInternals = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  // So that the server counts its end.
  socket._server = server;
  socket.on('pause', () => {
    taken = 0;
  });
  return socket;
}

/**
 * From now on what `socket` reads is no copy: the bytes of each `data` are there, and may be changed, until its listeners have
 * returned. Then they are those of whoever is read next.
 */
export function lendReads(socket: Socket): void {
  lending.add(socket);
}

/** Whether these bytes lie where those of the next read will. */
export function isLent({ buffer }: Uint8Array): boolean {
  return buffer === arrival.buffer;
}
