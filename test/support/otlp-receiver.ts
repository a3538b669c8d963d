import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { readTraceRequest } from './otlp-protobuf.ts';
import { Recorder } from './strict-s3/recorder.ts';

export type AttributeValue =
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | null
  | readonly AttributeValue[]
  | { readonly [name: string]: AttributeValue };

export type Attributes = Readonly<Record<string, AttributeValue>>;

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const STATUS_CODES = ['UNSET', 'OK', 'ERROR'] as const;

export interface ReceivedSpan {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Undefined for a root span. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly events: readonly {
    readonly name: string;
    readonly timeUnixNano: bigint;
    readonly attributes: Attributes;
  }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Attributes;
  }[];
  readonly status: { readonly code: (typeof STATUS_CODES)[number]; readonly message: string | undefined };
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string | undefined };
}

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT; traces go to `${endpoint}/v1/traces`. */
  readonly endpoint: string;
  /** In order of arrival. */
  readonly spans: readonly ReceivedSpan[];
  /** Export requests that were accepted, by signal. */
  readonly counts: { readonly traces: number; readonly metrics: number; readonly logs: number };
  /** Resolves with the first span that matches, received already or still to come. */
  waitForSpan(predicate: (span: ReceivedSpan) => boolean, timeoutMs?: number): Promise<ReceivedSpan>;
  clear(): void;
  close(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An OTLP/HTTP receiver: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const recorder = new Recorder<ReceivedSpan>((span) => span.name);
  const counts = { traces: 0, metrics: 0, logs: 0 };

  async function accept(request: IncomingMessage): Promise<void> {
    const body = await readBody(request);
    const signal = /^\/v1\/(traces|metrics|logs)$/.exec(request.url ?? '')?.[1];
    if (signal === undefined) throw new Refusal(404, `${request.url} is no OTLP path`);
    if (request.method !== 'POST') throw new Refusal(405, 'only POST is allowed');
    const parse = PARSERS[mediaType(request)];
    if (parse === undefined) throw new Refusal(415, `${mediaType(request)} is not supported`);
    if (signal === 'traces') for (const span of toSpans(parse(body))) recorder.add(span);
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
    counts,
    waitForSpan: (predicate, timeoutMs = 10_000) => recorder.waitFor(predicate, { timeoutMs }),
    clear: () => {
      recorder.entries = [];
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

interface JsonKeyValue {
  readonly key: string;
  readonly value?: JsonAnyValue;
}

interface JsonAnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number | 'NaN' | 'Infinity' | '-Infinity';
  readonly arrayValue?: { readonly values?: readonly JsonAnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly JsonKeyValue[] };
  readonly bytesValue?: string;
}

interface JsonSpan {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly kind?: number;
  readonly startTimeUnixNano?: string | number;
  readonly endTimeUnixNano?: string | number;
  readonly attributes?: readonly JsonKeyValue[];
  readonly events?: readonly {
    readonly name?: string;
    readonly timeUnixNano?: string;
    readonly attributes?: readonly JsonKeyValue[];
  }[];
  readonly links?: readonly {
    readonly traceId?: string;
    readonly spanId?: string;
    readonly attributes?: readonly JsonKeyValue[];
  }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

interface JsonTraceRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly JsonKeyValue[] };
    readonly scopeSpans?: readonly {
      readonly scope?: { readonly name?: string; readonly version?: string };
      readonly spans?: readonly JsonSpan[];
    }[];
  }[];
}

function toSpans(request: unknown): ReceivedSpan[] {
  const { resourceSpans = [] } = request as JsonTraceRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        ...toSpan(span),
        resource: toAttributes(resource?.attributes),
        scope: { name: scope?.name ?? '', version: scope?.version || undefined },
      })),
    ),
  );
}

function toSpan(span: JsonSpan): Omit<ReceivedSpan, 'resource' | 'scope'> {
  return {
    traceId: checkedId(span.traceId, 32),
    spanId: checkedId(span.spanId, 16),
    parentSpanId: span.parentSpanId ? checkedId(span.parentSpanId, 16) : undefined,
    name: span.name ?? '',
    kind: named(KINDS, span.kind),
    startTimeUnixNano: BigInt(span.startTimeUnixNano ?? 0),
    endTimeUnixNano: BigInt(span.endTimeUnixNano ?? 0),
    attributes: toAttributes(span.attributes),
    events: (span.events ?? []).map((event) => ({
      name: event.name ?? '',
      timeUnixNano: BigInt(event.timeUnixNano ?? 0),
      attributes: toAttributes(event.attributes),
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: checkedId(link.traceId, 32),
      spanId: checkedId(link.spanId, 16),
      attributes: toAttributes(link.attributes),
    })),
    status: { code: named(STATUS_CODES, span.status?.code), message: span.status?.message || undefined },
  };
}

function checkedId(id: string | undefined, digits: number): string {
  const form = new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`, 'i');
  if (id !== undefined && form.test(id)) return id.toLowerCase();
  throw new Refusal(400, `an id is not ${digits} hex digits: ${id}`);
}

function named<Name>(names: readonly Name[], code = 0): Name {
  const name = names[code];
  if (name === undefined) throw new Refusal(400, `an enumeration has no value ${code}`);
  return name;
}

function toAttributes(list: readonly JsonKeyValue[] = []): Attributes {
  return Object.fromEntries(list.map(({ key, value }) => [key, toValue(value ?? {})]));
}

function toValue(value: JsonAnyValue): AttributeValue {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) {
    const integer = BigInt(value.intValue);
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
  }
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(toValue);
  if (value.kvlistValue !== undefined) return toAttributes(value.kvlistValue.values);
  return value.bytesValue === undefined ? null : Buffer.from(value.bytesValue, 'base64');
}
