import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend, Upload } from '../../src/contract/backend.ts';
import type { Principal } from '../../src/contract/context.ts';
import { toFsErrorCode } from '../../src/contract/errors.ts';
import type { MemoryAllowance } from '../../src/contract/memory.ts';
import type { Pace } from '../../src/contract/pace.ts';
import type { EndedReading } from '../../src/sftp/file-reader.ts';
import { SftpSession } from '../../src/sftp/session.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { decodeReplies, init, open, type Reply, UPLOAD } from './sftp-packets.ts';

type ReplyOf<K extends Reply['kind']> = Extract<Reply, { kind: K }>;

/** A promise with its ends in hand. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function deferred<T = void>(): Deferred<T> {
  let [resolve, reject]: [(value: T) => void, (error: unknown) => void] = [() => undefined, () => undefined];
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** One turn of the event loop: everything that waits for nothing outside has happened by then. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether a promise has settled by the end of this turn. */
export async function isSettled(promise: Promise<unknown> | undefined): Promise<boolean> {
  let settled = promise === undefined;
  const note = () => {
    settled = true;
  };
  promise?.then(note, note);
  await turn();
  return settled;
}

export interface SftpDriverOptions {
  readonly backend?: StreamingBackend;
  readonly principal?: Partial<Principal>;
  /** What is held of files that are read; plenty unless given. */
  readonly memory?: MemoryAllowance;
  /** How fast files may be read; as fast as it goes unless given. */
  readonly pace?: Pace;
}

/** An allowance that grants everything until told otherwise, and knows what it has granted. */
export class TestAllowance implements MemoryAllowance {
  reservedBytes = 0;
  mostReservedBytes = 0;
  /** Says whether so many bytes are granted; all are unless another is set. */
  grants: (bytes: number) => boolean = () => true;

  tryReserve(bytes: number): boolean {
    if (!this.grants(bytes)) return false;
    this.reservedBytes += bytes;
    this.mostReservedBytes = Math.max(this.mostReservedBytes, this.reservedBytes);
    return true;
  }

  release(bytes: number): void {
    this.reservedBytes -= bytes;
  }
}

/** An SFTP session without SSH: packets in, replies out, and a transport that can stop taking them. */
export class SftpDriver {
  readonly backend: StreamingBackend;
  readonly session: SftpSession;
  readonly replies: Reply[] = [];
  /** Bytes of each call of `send`. */
  readonly sends: number[] = [];
  /** Why the session closed the channel. */
  readonly closed: string[] = [];
  readonly faults: { readonly error: unknown; readonly request: string }[] = [];
  /** `operation path` of everything that was observed. */
  readonly observed: string[] = [];
  /** Files that were read, once they are closed. */
  readonly downloads: ({ readonly path: string } & EndedReading)[] = [];
  /** `kind: code` of what was refused. */
  readonly refusals: string[] = [];
  /** Why the session was given up. */
  readonly broken: string[] = [];
  #undecoded: Buffer = Buffer.alloc(0);
  #gate: Deferred<void> | undefined;
  #arrival = deferred();
  #nextId = 1_000_000;

  constructor({
    backend = createMemoryBackend(),
    principal = {},
    memory = new TestAllowance(),
    pace,
  }: SftpDriverOptions = {}) {
    this.backend = backend;
    const context = createTestContext({ principal });
    this.session = new SftpSession({
      backend,
      principal: context.principal,
      connection: context.connection,
      transport: {
        send: (pieces) => this.#take(Buffer.concat(pieces)),
        close: (reason) => void this.closed.push(reason),
      },
      observer: {
        request: (operation, path, run) => {
          this.observed.push(`${operation} ${path}`);
          return run();
        },
        downloaded: (path, ended) => void this.downloads.push({ path, ...ended }),
        refused: (error, { kind }) => void this.refusals.push(`${kind}: ${toFsErrorCode(error)}`),
        broken: (reason) => void this.broken.push(reason),
      },
      memory,
      pace,
      onFault: (error, request) => void this.faults.push({ error, request }),
    });
  }

  /** A session past INIT. */
  static async started(options: SftpDriverOptions = {}): Promise<SftpDriver> {
    const driver = new SftpDriver(options);
    await driver.send(init());
    driver.replies.length = 0;
    driver.sends.length = 0;
    return driver;
  }

  /** Hands packets over as one chunk of the channel, whose memory is used for something else then; what `receive` answered. */
  send(...packets: readonly Buffer[]): Promise<void> | undefined {
    const chunk = Buffer.concat(packets);
    const room = this.session.receive(chunk);
    chunk.fill(0xee);
    return room;
  }

  /** Sends a request with an id of its own, and resolves with its reply. */
  async ask(request: (id: number) => Buffer): Promise<Reply> {
    const id = this.#nextId++;
    void this.send(request(id));
    return await this.reply(id);
  }

  async expect<K extends Reply['kind']>(kind: K, request: (id: number) => Buffer): Promise<ReplyOf<K>> {
    const reply = await this.ask(request);
    if (reply.kind !== kind) throw new Error(`not ${kind} but ${JSON.stringify(reply)}`);
    return reply as ReplyOf<K>;
  }

  /** The status code of the answer to a request. */
  async code(request: (id: number) => Buffer): Promise<number> {
    return (await this.expect('status', request)).code;
  }

  /** The handle of a file that is opened, for an upload unless other flags are given. */
  async open(path: string, flags: number = UPLOAD): Promise<string> {
    return (await this.expect('handle', (id) => open(id, path, flags))).handle;
  }

  /** Resolves with the reply to a request once it is sent. */
  async reply(id: number): Promise<Reply> {
    for (;;) {
      const found = this.replies.find((reply) => 'id' in reply && reply.id === id);
      if (found !== undefined) return found;
      await this.#arrival.promise;
    }
  }

  /** The ids of all replies so far, in order. */
  get ids(): number[] {
    return this.replies.flatMap((reply) => ('id' in reply ? [reply.id] : []));
  }

  /** `id: code` of every STATUS so far, `id: kind` of every other reply, in order. */
  get answers(): string[] {
    return this.replies.map((reply) => {
      if (reply.kind === 'version') return 'version';
      return `${reply.id}: ${reply.kind === 'status' ? reply.code : reply.kind}`;
    });
  }

  /** From now on the client takes nothing more than what is being sent. */
  block(): void {
    this.#gate ??= deferred();
  }

  /** Takes what was held back; goes on taking everything when `open`, else one send more. */
  unblock(stayOpen = true): void {
    const gate = this.#gate;
    this.#gate = stayOpen ? undefined : deferred();
    gate?.resolve();
  }

  #take(bytes: Buffer): Promise<void> | undefined {
    this.sends.push(bytes.length);
    const { replies, rest } = decodeReplies(Buffer.concat([this.#undecoded, bytes]));
    this.#undecoded = rest;
    this.replies.push(...replies);
    const { resolve } = this.#arrival;
    this.#arrival = deferred();
    resolve();
    return this.#gate?.promise;
  }
}

export interface UploadHooks {
  /** Runs before the backend's own; what it throws or rejects with is the answer. */
  readonly writeChunk?: (offset: number, bytes: Uint8Array) => Promise<void> | void;
  readonly finishWrite?: (path: string) => Promise<void>;
  readonly abortWrite?: (path: string) => Promise<void>;
  readonly beginWrite?: (path: string) => Promise<void>;
}

export interface WatchedBackend {
  readonly backend: StreamingBackend;
  /** `begin /a`, `write 0+5`, `finish /a`, `finished /a`, `abort /a`, in the order of the calls. */
  readonly calls: string[];
}

/** The memory backend, its uploads watched and held up on demand. */
export function watchUploads(hooks: UploadHooks = {}): WatchedBackend {
  const memory = createMemoryBackend();
  const calls: string[] = [];
  const watch = (upload: Upload, path: string): Upload => ({
    get size() {
      return upload.size;
    },
    setSize: (size) => upload.setSize(size),
    readChunk: (offset, length) => upload.readChunk(offset, length),
    setAttributes: (attributes) => upload.setAttributes(attributes),
    sync: () => upload.sync(),
    writeChunk: (offset, bytes) => {
      calls.push(`write ${offset}+${bytes.length}`);
      const waiting = hooks.writeChunk?.(offset, bytes);
      if (waiting === undefined) return upload.writeChunk(offset, bytes);
      return waiting.then(() => upload.writeChunk(offset, bytes));
    },
    finishWrite: async () => {
      calls.push(`finish ${path}`);
      await hooks.finishWrite?.(path);
      const stored = await upload.finishWrite();
      calls.push(`finished ${path}`);
      return stored;
    },
    abortWrite: async () => {
      calls.push(`abort ${path}`);
      await hooks.abortWrite?.(path);
      await upload.abortWrite();
    },
  });
  const backend: StreamingBackend = {
    ...memory,
    beginWrite: async (context, path, options) => {
      calls.push(`begin ${path}`);
      await hooks.beginWrite?.(path);
      return watch(await memory.beginWrite(context, path, options), path);
    },
  };
  return { backend, calls };
}

/** A session with an upload of /a open, its replies and calls so far forgotten. */
export async function uploading(hooks: UploadHooks = {}) {
  const { backend, calls } = watchUploads(hooks);
  const driver = await SftpDriver.started({ backend });
  const handle = await driver.open('/a');
  driver.replies.length = 0;
  calls.length = 0;
  return { driver, backend, calls, handle };
}

/** The content of a file, read past the session; undefined when there is none. */
export async function contentOf(backend: StreamingBackend, path: string): Promise<string | undefined> {
  try {
    return Buffer.from(await backend.readFile(createTestContext(), path)).toString();
  } catch {
    return undefined;
  }
}
