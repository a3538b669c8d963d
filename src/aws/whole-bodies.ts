import { validateHeaderValue } from 'node:http';
import { buildQueryString, type HttpRequest, HttpResponse } from '@smithy/core/protocols';
import { type ConnectionLimits, ReadingConnection } from './reading-connection.ts';

export interface WholeBodiesOptions extends ConnectionLimits {
  /** Connections that are in use at once; what is not in use stays until somebody ends it or silence does. */
  readonly maxSockets: number;
}

export interface WholeBodyOptions {
  readonly abortSignal?: AbortSignal;
  /** Makes the memory of the body. */
  readonly allocate?: (bytes: number) => Uint8Array;
}

/**
 * Sends GET requests whose bodies are wanted in one piece, and reads them from the socket to where they are wanted. Node's HTTP client
 * reads 64 KiB at a time into fresh memory, copies that, and leaves the pieces to be joined.
 *
 * One attempt, HTTP/1.1 to the letter, answers of a known length: anything else is an error, after which somebody who knows more
 * may try. docs/adr/0025-whole-bodies.md.
 */
export class WholeBodies {
  readonly #options: WholeBodiesOptions;
  readonly #idle = new Map<string, ReadingConnection[]>();
  #inUse = 0;

  constructor(options: WholeBodiesOptions) {
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#inUse >= this.#options.maxSockets;
  }

  /**
   * The `body` of the response is a `Uint8Array`.
   *
   * @param maxBytes of the body: a longer one is an error
   * @throws the signal's reason; what the connection failed of; what there is in the answer that is not understood
   */
  async handle(
    request: HttpRequest,
    maxBytes: number,
    { abortSignal, allocate = Buffer.allocUnsafeSlow }: WholeBodyOptions = {},
  ): Promise<{ readonly response: HttpResponse }> {
    abortSignal?.throwIfAborted();
    const { protocol, hostname, port } = request;
    const origin = `${protocol}//${hostname}:${port ?? ''}`;
    const text = toText(request);
    const connection =
      this.#idle.get(origin)?.pop() ??
      new ReadingConnection({
        protocol,
        hostname,
        port,
        ...this.#options,
        onClosed: (it) => this.#forget(origin, it),
      });
    const end = () => connection.destroy(abortSignal?.reason);
    abortSignal?.addEventListener('abort', end, { once: true });
    this.#inUse++;
    try {
      const { head, body } = await connection.ask(text, { maxBytes, allocate });
      if (connection.isReusable) this.#keep(origin, connection);
      return {
        response: new HttpResponse({ statusCode: head.statusCode, headers: { ...head.headers }, body }),
      };
    } finally {
      this.#inUse--;
      abortSignal?.removeEventListener('abort', end);
    }
  }

  /** Ends the connections that nobody uses. */
  destroy(): void {
    for (const connection of [...this.#idle.values()].flat()) connection.destroy();
  }

  #keep(origin: string, connection: ReadingConnection): void {
    const others = this.#idle.get(origin);
    if (others === undefined) this.#idle.set(origin, [connection]);
    else others.push(connection);
  }

  #forget(origin: string, connection: ReadingConnection): void {
    const left = this.#idle.get(origin)?.filter((other) => other !== connection) ?? [];
    if (left.length > 0) this.#idle.set(origin, left);
    else this.#idle.delete(origin);
  }
}

/** As it goes over the wire (RFC 9112, section 3). */
function toText({ method, path, query, headers }: HttpRequest): string {
  const search = buildQueryString(query);
  const target = search === '' ? path : `${path}?${search}`;
  if (!/^\/[\x21-\x7e]*$/.test(target)) throw new Error('a path that is not escaped');
  const lines = Object.entries(headers).map(([name, value]) => {
    validateHeaderValue(name, value);
    return `${name}: ${value}\r\n`;
  });
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
