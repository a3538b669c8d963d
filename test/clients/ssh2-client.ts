import { readFile } from 'node:fs/promises';
import ssh2, { type Client, type ClientChannel, type SFTPWrapper, type Stats } from 'ssh2';
import { decodeReplies, init, type Reply } from '../support/sftp-packets.ts';
import { USERNAME, type Workspace } from '../support/workspace.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;

/** What all but the newest clients put into one WRITE. */
const WRITE_BYTES = 32 * KiB;

/** ssh2's client, its callbacks as promises. An answer that is not OK rejects with the SFTP status as `code`. */
export class Ssh2Client {
  readonly #client: Client;
  readonly sftp: SFTPWrapper;

  private constructor(client: Client, sftp: SFTPWrapper) {
    this.#client = client;
    this.sftp = sftp;
  }

  static async connect(port: number, workspace: Workspace): Promise<Ssh2Client> {
    const client = new ssh2.Client();
    const privateKey = await readFile(workspace.identity);
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve).once('error', reject);
      client.connect({ host: '127.0.0.1', port, username: USERNAME, privateKey });
    });
    return new Ssh2Client(client, await answer((done) => client.sftp(done)));
  }

  /** The bare channel of a further session, for requests that ssh2's client does not send. */
  async raw(): Promise<RawSession> {
    const channel = await answer<ClientChannel>((done) => this.#client.subsys('sftp', done));
    const session = new RawSession(channel);
    await session.send(init());
    return session;
  }

  /** Resolves when the connection is gone. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#client.once('close', () => resolve());
      this.#client.end();
    });
  }

  open(path: string, flags: number): Promise<Buffer> {
    return answer((done) => this.sftp.open(path, flags, done));
  }

  write(handle: Buffer, offset: number, bytes: Buffer): Promise<void> {
    return settled((done) => this.sftp.write(handle, bytes, 0, bytes.length, offset, done));
  }

  /** Writes of 32 KiB from `offset` on, `outstanding` of them unanswered at a time. */
  async writeAll(handle: Buffer, bytes: Buffer, outstanding: number, offset = 0): Promise<void> {
    const chunks = slices(bytes, WRITE_BYTES).values();
    const writers = Array.from({ length: outstanding }, async () => {
      for (const { at, slice } of chunks) await this.write(handle, offset + at, slice);
    });
    await Promise.all(writers);
  }

  close(handle: Buffer): Promise<void> {
    return settled((done) => this.sftp.close(handle, done));
  }

  async size(path: string): Promise<number> {
    return (await answer<Stats>((done) => this.sftp.stat(path, done))).size;
  }

  /** The whole file, by READs one after the other. */
  content(path: string): Promise<Buffer> {
    return answer((done) => this.sftp.readFile(path, done));
  }
}

/** SFTP packets over an SSH channel: what is sent and what comes back, in the order in which it comes. */
export class RawSession {
  readonly channel: ClientChannel;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(channel: ClientChannel) {
    this.channel = channel;
    channel.on('data', (bytes: Buffer) => {
      const { replies, rest } = decodeReplies(Buffer.concat([this.#rest, bytes]));
      this.#rest = rest;
      for (const reply of replies) this.#waiting.shift()?.(reply);
    });
  }

  /** Sends one packet; the reply is the next that nobody waits for yet: the server answers in order. */
  send(packet: Buffer): Promise<Reply> {
    const reply = new Promise<Reply>((resolve) => this.#waiting.push(resolve));
    this.channel.write(packet);
    return reply;
  }

  end(): void {
    this.channel.end();
  }
}

/** The result of one of ssh2's callbacks. */
export function answer<T>(
  run: (done: (error: Error | null | undefined, result: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => run((error, result) => (error ? reject(error) : resolve(result))));
}

/** One of ssh2's callbacks that has no result. */
export function settled(run: (done: (error?: Error | null) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => run((error) => (error ? reject(error) : resolve())));
}

export function slices(bytes: Buffer, length: number): { readonly at: number; readonly slice: Buffer }[] {
  const count = Math.ceil(bytes.length / length);
  return Array.from({ length: count }, (_, index) => ({
    at: index * length,
    slice: bytes.subarray(index * length, (index + 1) * length),
  }));
}
