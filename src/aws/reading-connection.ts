import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type AnswerHead, endOfHead, parseAnswerHead } from './answer-head.ts';

/** Longest head of an answer, in bytes; S3's have less than one KiB. Error messages are no longer either. */
const MAX_HEAD_BYTES = 16 * 1024;

/** When a connection counts as dead, in milliseconds. */
export interface ConnectionLimits {
  /** Until it stands, TLS and all. */
  readonly connecting: number;
  /** Without a byte in either direction. */
  readonly silence: number;
}

export interface ReadingConnectionOptions extends ConnectionLimits {
  /** `http:` or `https:`. */
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  readonly onClosed: (connection: ReadingConnection) => void;
}

export interface WholeAnswer {
  readonly head: AnswerHead;
  readonly body: Uint8Array;
}

export interface BodyOptions {
  readonly maxBytes: number;
  /** Makes the memory of a body that is not an error's. */
  readonly allocate: (bytes: number) => Uint8Array;
}

/** A request that is under way. */
interface Question extends BodyOptions {
  readonly resolve: (answer: WholeAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection for one request at a time, whose bodies the kernel writes where they stay. */
export class ReadingConnection {
  readonly #socket: Socket;
  readonly #headBytes = Buffer.allocUnsafeSlow(MAX_HEAD_BYTES);
  #question: Question | undefined;
  #head: AnswerHead | undefined;
  #body: Uint8Array | undefined;
  /** Bytes of the head or, once there is one, of the body. */
  #taken = 0;
  #failure: unknown;

  constructor(options: ReadingConnectionOptions) {
    const { connecting, silence, onClosed } = options;
    const onread = {
      // Never none at all: TLS hands on what it has until it is taken, and a connection that has just been ended takes nothing.
      buffer: () => {
        const room = (this.#body ?? this.#headBytes).subarray(this.#taken);
        return room.length > 0 ? room : this.#headBytes;
      },
      callback: (length: number) => {
        this.#take(length);
        return true;
      },
    };
    this.#socket = connect(options, onread);
    const timer = setTimeout(
      () => this.destroy(new Error(`no connection within ${connecting} ms`)),
      connecting,
    );
    this.#socket
      .setNoDelay(true)
      .setTimeout(silence, () => this.destroy(new Error(`the store has said nothing for ${silence} ms`)))
      .once(options.protocol === 'https:' ? 'secureConnect' : 'connect', () => clearTimeout(timer))
      .on('error', (error) => this.destroy(error))
      .on('close', () => {
        clearTimeout(timer);
        this.#question?.reject(this.#failure ?? new Error('the store has ended the connection'));
        onClosed(this);
      })
      // It ends only when it is read.
      .resume();
  }

  get isReusable(): boolean {
    return !this.#socket.destroyed;
  }

  /** @throws what the connection was destroyed of */
  ask(request: string, options: BodyOptions): Promise<WholeAnswer> {
    return new Promise((resolve, reject) => {
      this.#question = { ...options, resolve, reject };
      this.#socket.ref().write(request, 'latin1');
    });
  }

  destroy(reason?: unknown): void {
    this.#failure ??= reason;
    this.#socket.destroy();
  }

  #take(length: number): void {
    this.#taken += length;
    try {
      if (this.#question === undefined) throw new Error('the store speaks unasked');
      if (this.#body === undefined) this.#takeHead(this.#question);
      if (this.#taken === this.#body?.length) this.#answer(this.#question, this.#body);
    } catch (error) {
      this.destroy(error);
    }
  }

  /** With what there is of the body, if the head is there. */
  #takeHead({ maxBytes, allocate }: Question): void {
    const bytes = this.#headBytes.subarray(0, this.#taken);
    const end = endOfHead(bytes);
    if (end === -1 && bytes.length < MAX_HEAD_BYTES) return;
    this.#head = parseAnswerHead(bytes.toString('latin1', 0, end));
    const { statusCode, contentLength } = this.#head;
    const isError = statusCode >= 300;
    const most = isError ? MAX_HEAD_BYTES : maxBytes;
    if (contentLength > most || bytes.length - end > contentLength)
      throw new Error('the store sent more than it was asked for');
    this.#body = isError ? Buffer.allocUnsafeSlow(contentLength) : allocate(contentLength);
    this.#taken = bytes.copy(this.#body, 0, end);
  }

  #answer(question: Question, body: Uint8Array): void {
    const head = this.#head as AnswerHead;
    this.#question = this.#head = this.#body = undefined;
    this.#taken = 0;
    if (head.keepsConnection) this.#socket.unref();
    else this.destroy();
    question.resolve({ head, body });
  }
}

type OnRead = TcpNetConnectOpts['onread'];

function connect({ protocol, hostname, port }: ReadingConnectionOptions, onread: OnRead): Socket {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (protocol !== 'https:') return connectTcp({ host, port: port ?? 80, onread } as TcpNetConnectOpts);
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const options = { host, port: port ?? 443, ALPNProtocols: ['http/1.1'], ...servername, onread };
  return connectTls(options as ConnectionOptions);
}
