import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  beforeAnswer,
  beforeOperation,
  type ConnectionAction,
  cutsAnswer,
  type Fault,
  FaultSet,
  type Hit,
  type Occurrence,
  passes,
  type TextTest,
} from './strict-s3/faults.ts';
import { Recorder, type WaitOptions } from './strict-s3/recorder.ts';

export interface ProxiedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  /** The x-amz-target header, for instance `AmazonSQS.SendMessage`. */
  readonly target: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly time: number;
  /** Undefined until the answer has begun. */
  readonly status: number | undefined;
  /** The connection ended before the answer was sent whole. */
  readonly aborted: boolean;
}

export interface ProxyRespondAction {
  /** Answer so; the request does not reach the server behind. */
  readonly respond: {
    readonly status: number;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
}

export type ProxyFaultAction = ConnectionAction | ProxyRespondAction;

export type ProxyFaultRule = {
  readonly method?: string;
  readonly path?: TextTest;
  readonly query?: TextTest;
  readonly target?: TextTest;
} & Occurrence &
  ProxyFaultAction;

export interface FaultProxy {
  readonly endpoint: string;
  /** In order of arrival. */
  readonly requests: readonly ProxiedRequest[];
  waitFor(predicate: (request: ProxiedRequest) => boolean, options?: WaitOptions): Promise<ProxiedRequest>;
  fault(rule: ProxyFaultRule): Fault;
  clearFaults(): void;
  close(): Promise<void>;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Headers that belong to one connection, not to the message: RFC 9110 section 7.6.1. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'expect', 'proxy-connection', 'upgrade'];

/**
 * Passes requests and answers on unchanged, Host included (so that signatures hold), but for the faults that a test
 * asks for. `hang`, `reset` and `delayMs` mean what they mean in the strict S3 server; "the operation" is the server
 * behind.
 */
export async function startFaultProxy(targetEndpoint: string): Promise<FaultProxy> {
  const target = new URL(targetEndpoint);
  const agent = new Agent({ keepAlive: true });
  const faults = new FaultSet<ProxiedRequest, ProxyFaultAction>();
  const recorder = new Recorder<ProxiedRequest>(
    ({ method, path, status }) => `${method} ${path} ${status ?? '(unanswered)'}`,
  );

  const server = createServer((incoming, response) => {
    // What fails here is a connection: the client shall see the same of its own.
    serve(incoming, response).catch(() => incoming.socket.destroy());
  });
  Object.assign(server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const record = startRecord(incoming, response);
    const hit = faults.take(record);
    if (!(await beforeOperation(hit, incoming))) return;
    if (hit !== undefined && 'respond' in hit.action) {
      for await (const _ of incoming);
      const { status, body = '', headers = {} } = hit.action.respond;
      record.status = status;
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
      return;
    }
    const answer = await forward(incoming, response);
    if (!(await beforeAnswer(hit, incoming))) {
      answer.destroy();
      return;
    }
    record.status = answer.statusCode;
    await passBack(answer, response, hit);
  }

  function startRecord(incoming: IncomingMessage, response: ServerResponse): Mutable<ProxiedRequest> {
    const [path = '/', query = ''] = (incoming.url ?? '/').split(/\?(.*)/s);
    const amzTarget = incoming.headers['x-amz-target'];
    const record: Mutable<ProxiedRequest> = {
      method: incoming.method ?? 'GET',
      path,
      query,
      target: typeof amzTarget === 'string' ? amzTarget : undefined,
      headers: incoming.headers,
      time: Date.now(),
      status: undefined,
      aborted: false,
    };
    response.on('close', () => {
      record.aborted = !response.writableFinished;
      recorder.changed(record);
    });
    recorder.add(record);
    return record;
  }

  function forward(incoming: IncomingMessage, response: ServerResponse): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = openRequest(
        {
          host: target.hostname,
          port: target.port,
          method: incoming.method,
          path: incoming.url,
          headers: endToEnd(incoming.rawHeaders),
          agent,
          setHost: false,
        },
        resolve,
      );
      outgoing.on('error', reject);
      response.on('close', () => outgoing.destroy());
      incoming.pipe(outgoing);
    });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: recorder.entries,
    waitFor: (predicate, options) => recorder.waitFor(predicate, options),
    fault: ({ method, path, query, target: amzTarget, nth, times, ...action }) =>
      faults.add(
        (request) =>
          passes(method, request.method) &&
          passes(path, request.path) &&
          passes(query, request.query) &&
          passes(amzTarget, request.target),
        action as ProxyFaultAction,
        { ...(nth === undefined ? {} : { nth }), ...(times === undefined ? {} : { times }) },
      ),
    clearFaults: () => faults.clear(),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      agent.destroy();
      await closed;
      faults.clear();
    },
  };
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => {
    const name = rawHeaders[index - (index % 2)] ?? '';
    return !HOP_BY_HOP.includes(name.toLowerCase());
  });
}

function passBack(
  answer: IncomingMessage,
  response: ServerResponse,
  hit: Hit<object> | undefined,
): Promise<void> {
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
  return new Promise((resolve, reject) => {
    answer.on('error', reject);
    response.on('close', resolve);
    if (!cutsAnswer(hit)) {
      answer.pipe(response);
      return;
    }
    const half = Number(answer.headers['content-length'] ?? 0) / 2;
    let sent = 0;
    answer.on('data', (chunk: Buffer) => {
      const piece = chunk.subarray(0, Math.max(1, half - sent));
      sent += piece.length;
      response.write(piece, () => sent >= half && response.socket?.destroy());
    });
    answer.on('end', () => response.socket?.destroy());
  });
}
