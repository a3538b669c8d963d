import { connect, type Socket } from 'node:net';
import { type ClientChannel, Client as SshClient } from 'ssh2';
import {
  close,
  decodeReplies,
  init,
  open,
  type Reply,
  rename,
  UPLOAD,
} from '../../test/support/sftp-packets.ts';

export interface Account {
  readonly port: number;
  readonly username: string;
  readonly privateKey: string;
}

/** The server has answered a request, and not with OK. */
export class RefusedError extends Error {
  override name = 'RefusedError';
}

/** Requests that may be unanswered at once, as with OpenSSH's client. */
const MAX_OUTSTANDING = 64;

/** Logins wait for those before them: the server does one after the other. */
const LOGIN_MS = 300_000;

type Taker = (reply: Reply) => void;

/** One SFTP client that writes: it holds no more than the packet that it sends and what the socket has not taken. */
export class Connection {
  /** Bytes of the writes that were answered with OK. */
  acknowledgedBytes = 0;
  readonly #socket: Socket;
  readonly #client = new SshClient();
  readonly #waiting = new Map<number, Taker>();
  #channel: ClientChannel | undefined;
  #undecoded: Buffer = Buffer.alloc(0);
  #nextId = 1;
  #failure: Error | undefined;
  /** Whoever waits for a reply, for room or for the end of the connection: all look again when anything happens. */
  #watching: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('drain', () => this.#wake());
    socket.on('close', () => this.fail(new Error('the connection was closed')));
    this.#client.on('error', (error) => this.fail(error));
  }

  /** Resolves when the SFTP session has begun. */
  static async login({ port, username, privateKey }: Account): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const connection = new Connection(socket);
    const ready = new Promise<void>((resolve) => connection.#client.once('ready', resolve));
    connection.#client.connect({
      sock: socket,
      username,
      privateKey,
      readyTimeout: LOGIN_MS,
      algorithms: { cipher: ['aes128-gcm@openssh.com'] },
    });
    await connection.#unlessFailed(ready);
    await connection.#unlessFailed(connection.#openChannel());
    const version = connection.#expect(0);
    version.catch(() => undefined);
    await connection.#send(init());
    const { kind } = await version;
    if (kind !== 'version') throw new Error(`INIT was answered with ${kind}`);
    return connection;
  }

  async open(path: string): Promise<string> {
    const reply = await this.#ask((id) => open(id, path, UPLOAD));
    if (reply.kind !== 'handle') throw new RefusedError(`OPEN: ${describe(reply)}`);
    return reply.handle;
  }

  async close(handle: string): Promise<void> {
    const reply = await this.#ask((id) => close(id, handle));
    if (!isOk(reply)) throw new RefusedError(`CLOSE: ${describe(reply)}`);
  }

  async rename(from: string, to: string): Promise<void> {
    const reply = await this.#ask((id) => rename(id, from, to));
    if (!isOk(reply)) throw new RefusedError(`RENAME: ${describe(reply)}`);
  }

  /**
   * Sends a WRITE whose data `fill` makes. Resolves when the next may be sent: fewer than 64 are unanswered, and the
   * SSH window and the socket have taken this one. Rejects once any was refused.
   */
  async write(handle: string, offset: number, length: number, fill: (data: Buffer) => void): Promise<void> {
    await this.#until(() => this.#waiting.size < MAX_OUTSTANDING);
    const id = this.#nextId++;
    const { packet, data } = writePacket(id, handle, offset, length);
    fill(data);
    this.#waiting.set(id, (reply) => {
      if (isOk(reply)) this.acknowledgedBytes += length;
      else this.#failure ??= new RefusedError(`WRITE: ${describe(reply)}`);
    });
    await this.#send(packet);
  }

  /** Resolves when every request has been answered. */
  settled(): Promise<void> {
    return this.#until(() => this.#waiting.size === 0);
  }

  end(): void {
    this.#client.end();
  }

  /** Ends the connection and resolves when it is closed. */
  leave(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.end();
    return closed;
  }

  /** Cuts the connection; everything that waits rejects with this. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    this.#wake();
  }

  #openChannel(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.subsys('sftp', (error, channel) => {
        if (error !== undefined) return reject(error);
        this.#channel = channel;
        channel.on('data', (bytes: Buffer) => this.#receive(bytes));
        channel.on('close', () => this.fail(new Error('the server closed the channel')));
        resolve();
      });
    });
  }

  #receive(bytes: Buffer): void {
    const { replies, rest } = decodeReplies(Buffer.concat([this.#undecoded, bytes]));
    this.#undecoded = rest;
    for (const reply of replies) {
      const id = reply.kind === 'version' ? 0 : reply.id;
      const take = this.#waiting.get(id);
      this.#waiting.delete(id);
      take?.(reply);
    }
    this.#wake();
  }

  async #ask(request: (id: number) => Buffer): Promise<Reply> {
    const id = this.#nextId++;
    const reply = this.#expect(id);
    // When the sending fails too, nobody is left to hear of it.
    reply.catch(() => undefined);
    await this.#send(request(id));
    return await reply;
  }

  #expect(id: number): Promise<Reply> {
    return this.#unlessFailed(new Promise((resolve) => this.#waiting.set(id, resolve)));
  }

  /** ssh2 itself waits for the SSH window only, so the socket is asked too. */
  async #send(packet: Buffer): Promise<void> {
    let isTaken = false;
    this.#channel?.write(packet, () => {
      isTaken = true;
      this.#wake();
    });
    await this.#until(() => isTaken && !this.#socket.writableNeedDrain);
  }

  async #unlessFailed<T>(promise: Promise<T>): Promise<T> {
    const settled = { value: undefined as T | undefined, isThere: false };
    promise.then(
      (value) => {
        Object.assign(settled, { value, isThere: true });
        this.#wake();
      },
      (error) => this.fail(error),
    );
    await this.#until(() => settled.isThere);
    return settled.value as T;
  }

  async #until(isSo: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (isSo()) return;
      await new Promise<void>((resolve) => this.#watching.push(resolve));
    }
  }

  #wake(): void {
    const watching = this.#watching;
    this.#watching = [];
    for (const look of watching) look();
  }
}

/** A WRITE whose data is still to be filled in, in place. */
function writePacket(id: number, handle: string, offset: number, length: number) {
  const handleBytes = Buffer.from(handle, 'latin1');
  const dataAt = 4 + 1 + 4 + 4 + handleBytes.length + 8 + 4;
  const packet = Buffer.allocUnsafe(dataAt + length);
  packet.writeUInt32BE(packet.length - 4, 0);
  packet.writeUInt8(6, 4);
  packet.writeUInt32BE(id, 5);
  packet.writeUInt32BE(handleBytes.length, 9);
  packet.set(handleBytes, 13);
  packet.writeBigUInt64BE(BigInt(offset), 13 + handleBytes.length);
  packet.writeUInt32BE(length, dataAt - 4);
  return { packet, data: packet.subarray(dataAt) };
}

const isOk = (reply: Reply) => reply.kind === 'status' && reply.code === 0;

function describe(reply: Reply): string {
  return reply.kind === 'status' ? `status ${reply.code}, ${reply.message}` : `a reply of kind ${reply.kind}`;
}
