import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { type ReceivedMetric, type ReceivedSpan, Refusal, toMetrics, toSpans } from './otlp-json.ts';
import { readTraceRequest } from './otlp-protobuf.ts';
import { Recorder } from './strict-s3/recorder.ts';

export type { ReceivedMetric, ReceivedSpan } from './otlp-json.ts';

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT; traces go to `${endpoint}/v1/traces`. */
  readonly endpoint: string;
  /** In order of arrival. */
  readonly spans: readonly ReceivedSpan[];
  /** Metrics of requests in JSON, in order of arrival; those in protobuf are counted only. */
  readonly metrics: readonly ReceivedMetric[];
  /** Every body that came, as it was before compression. */
  readonly bodies: readonly Buffer[];
  /** Export requests that were accepted, by signal. */
  readonly counts: { readonly traces: number; readonly metrics: number; readonly logs: number };
  /** Resolves with the first span that matches, received already or still to come. */
  waitForSpan(predicate: (span: ReceivedSpan) => boolean, timeoutMs?: number): Promise<ReceivedSpan>;
  clear(): void;
  close(): Promise<void>;
}

/** An OTLP/HTTP receiver: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const recorder = new Recorder<ReceivedSpan>((span) => span.name);
  const counts = { traces: 0, metrics: 0, logs: 0 };
  let metrics: ReceivedMetric[] = [];
  let bodies: Buffer[] = [];

  async function accept(request: IncomingMessage): Promise<void> {
    const body = await readBody(request);
    const signal = /^\/v1\/(traces|metrics|logs)$/.exec(request.url ?? '')?.[1];
    if (signal === undefined) throw new Refusal(404, `${request.url} is no OTLP path`);
    if (request.method !== 'POST') throw new Refusal(405, 'only POST is allowed');
    const parse = PARSERS[mediaType(request)];
    if (parse === undefined) throw new Refusal(415, `${mediaType(request)} is not supported`);
    if (signal === 'traces') for (const span of toSpans(parse(body))) recorder.add(span);
    if (signal === 'metrics' && mediaType(request) !== PROTOBUF) metrics.push(...toMetrics(parse(body)));
    bodies.push(body);
    counts[signal as keyof typeof counts] += 1;
  }

  const server = createServer(async (request, response) => {
    const isProtobuf = mediaType(request) === PROTOBUF;
    const contentType = isProtobuf ? PROTOBUF : 'application/json';
    try {
      await accept(request);
      // An Export*ServiceResponse with no partial success: no bytes in protobuf, {} in JSON.
      response.writeHead(200, { 'content-type': contentType }).end(isProtobuf ? '' : '{}');
    } catch (error) {
      if (request.socket.destroyed) return;
      const message = error instanceof Error ? error.message : String(error);
      response.writeHead(error instanceof Refusal ? error.status : 400, { 'content-type': contentType });
      response.end(isProtobuf ? toProtobufStatus(message) : JSON.stringify({ message }));
    }
  });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get spans() {
      return recorder.entries;
    },
    get metrics() {
      return metrics;
    },
    get bodies() {
      return bodies;
    },
    counts,
    waitForSpan: (predicate, timeoutMs = 10_000) => recorder.waitFor(predicate, { timeoutMs }),
    clear: () => {
      recorder.entries = [];
      metrics = [];
      bodies = [];
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const PROTOBUF = 'application/x-protobuf';

const PARSERS: Readonly<Record<string, (body: Buffer) => unknown>> = {
  'application/json': (body) => JSON.parse(body.toString('utf8')),
  [PROTOBUF]: readTraceRequest,
};

const mediaType = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding === 'gzip') return gunzipSync(body);
  throw new Refusal(415, `content-encoding ${encoding} is not supported`);
}

/** google.rpc.Status with its message, field 2: what the specification wants in the body of a refusal. */
function toProtobufStatus(message: string): Buffer {
  const text = Buffer.from(message.slice(0, 100), 'latin1');
  return Buffer.concat([Buffer.from([0x12, text.length]), text]);
}
