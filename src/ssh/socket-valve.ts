import type { Socket } from 'node:net';

/**
 * Stops reading a connection's socket. ssh2 reads and decrypts whatever the SSH windows allow, 2 MiB for each
 * channel, whether anybody has room for it or not: what waits outside waits in the kernel and at the client.
 *
 * The channels of a connection share its socket, so one that shuts it stops the others too, and they might hold
 * the very memory that it waits for. That ends, because every wait for the backend does: one for memory with
 * EBUSY after 30 seconds in which none came back (buffers/budget).
 */
export class SocketValve {
  readonly #socket: Socket;
  readonly #shutBy = new Set<object>();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get isShut(): boolean {
    return this.#shutBy.size > 0;
  }

  /** Nothing is read until whoever shut it has opened it again. */
  shut(by: object): void {
    if (this.#shutBy.has(by)) return;
    this.#shutBy.add(by);
    this.#socket.pause();
  }

  open(by: object): void {
    if (this.#shutBy.delete(by) && !this.isShut) this.#socket.resume();
  }
}
