import { gzipSync } from 'node:zlib';
import { context, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startFaultProxy } from './fault-proxy.ts';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts';

let receiver: OtlpReceiver;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
});

afterAll(() => receiver.close());
afterEach(() => receiver.clear());

const LINKED = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: TraceFlags.SAMPLED };

/** Two spans, parent and child, with all that a span can carry. */
async function exportSpans(
  exporter: SpanExporter,
): Promise<{ traceId: string; parent: string; child: string }> {
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'sluice-test', 'process.pid': 7 }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('a scope', '1.2.3');
  const parent = tracer.startSpan('sluice.upload', {
    kind: SpanKind.SERVER,
    startTime: [1_700_000_000, 123_456_789],
  });
  const child = tracer.startSpan(
    'backend.finish_write',
    {
      kind: SpanKind.PRODUCER,
      links: [{ context: LINKED, attributes: { why: 'resumed' } }],
      attributes: {
        text: 'ünï ☃ 🎉',
        integer: 42,
        negative: -3,
        large: Number.MAX_SAFE_INTEGER,
        fraction: 0.25,
        yes: true,
        no: false,
        empty: '',
        list: ['a', 'b'],
        numbers: [1, -2.5],
      },
    },
    trace.setSpan(context.active(), parent),
  );
  child.addEvent('retry', { attempt: 2 }, [1_700_000_001, 5]);
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'EIO' });
  child.end();
  parent.setStatus({ code: SpanStatusCode.OK });
  parent.end([1_700_000_002, 1]);
  await provider.shutdown();
  const { traceId, spanId } = parent.spanContext();
  return { traceId, parent: spanId, child: child.spanContext().spanId };
}

const EXPORTERS = {
  'application/json': JsonExporter,
  'application/x-protobuf': ProtobufExporter,
};

describe.each(Object.entries(EXPORTERS))('the real exporter of %s', (contentType, Exporter) => {
  test.each(['none', 'gzip'])('delivers spans whole, with compression %s', async (compression) => {
    const counted = receiver.counts.traces;
    const proxy = await startFaultProxy(receiver.endpoint);
    const url = `${proxy.endpoint}/v1/traces`;
    const ids = await exportSpans(new Exporter({ url, compression: compression as never }));
    const parent = await receiver.waitForSpan(({ name }) => name === 'sluice.upload');
    const child = await receiver.waitForSpan(({ name }) => name === 'backend.finish_write');
    expect(receiver.spans).toHaveLength(2);
    expect(receiver.counts.traces).toBe(counted + 2);
    expect(proxy.requests.map(({ status }) => status)).toEqual([200, 200]);
    const encoding = compression === 'gzip' ? 'gzip' : undefined;
    expect(proxy.requests[0]?.headers['content-type']).toBe(contentType);
    expect(proxy.requests[0]?.headers['content-encoding']).toBe(encoding);
    await proxy.close();

    expect(parent).toEqual({
      traceId: ids.traceId,
      spanId: ids.parent,
      parentSpanId: undefined,
      name: 'sluice.upload',
      kind: 'SERVER',
      startTimeUnixNano: 1_700_000_000_123_456_789n,
      endTimeUnixNano: 1_700_000_002_000_000_001n,
      attributes: {},
      events: [],
      links: [],
      status: { code: 'OK', message: undefined },
      resource: { 'service.name': 'sluice-test', 'process.pid': 7 },
      scope: { name: 'a scope', version: '1.2.3' },
    });
    expect(child).toMatchObject({
      traceId: ids.traceId,
      spanId: ids.child,
      parentSpanId: ids.parent,
      kind: 'PRODUCER',
      events: [{ name: 'retry', timeUnixNano: 1_700_000_001_000_000_005n, attributes: { attempt: 2 } }],
      links: [{ traceId: LINKED.traceId, spanId: LINKED.spanId, attributes: { why: 'resumed' } }],
      status: { code: 'ERROR', message: 'EIO' },
    });
    expect(child.attributes).toEqual({
      text: 'ünï ☃ 🎉',
      integer: 42,
      negative: -3,
      large: Number.MAX_SAFE_INTEGER,
      fraction: 0.25,
      yes: true,
      no: false,
      empty: '',
      list: ['a', 'b'],
      numbers: [1, -2.5],
    });
    expect(child.endTimeUnixNano).toBeGreaterThanOrEqual(child.startTimeUnixNano);
  });
});

interface Post {
  readonly path?: string;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

const post = (
  body: string | Uint8Array<ArrayBuffer>,
  { path = '/v1/traces', type, headers, method }: Post = {},
) =>
  fetch(receiver.endpoint + path, {
    method: method ?? 'POST',
    headers: { 'content-type': type ?? 'application/json', ...headers },
    ...(method === 'GET' ? {} : { body }),
  });
const PROTOBUF = 'application/x-protobuf';
const spanJson = (fields: object) =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [fields] }] }] });
const IDS = { traceId: 'A'.repeat(32), spanId: 'b'.repeat(16) };

describe('the protocol', () => {
  test('a success is answered in the form of the request: {} or no bytes', async () => {
    const json = await post('{}');
    expect([json.status, json.headers.get('content-type'), await json.text()]).toEqual([
      200,
      'application/json',
      '{}',
    ]);
    const protobuf = await post('', { type: PROTOBUF });
    expect([protobuf.status, protobuf.headers.get('content-type'), await protobuf.text()]).toEqual([
      200,
      PROTOBUF,
      '',
    ]);
  });

  test('metrics and logs are counted, not read', async () => {
    const before = { ...receiver.counts };
    await post('{}', { path: '/v1/metrics' });
    await post('{}', { path: '/v1/logs' });
    await post('{}', { path: '/v1/logs', type: PROTOBUF });
    expect(receiver.counts).toEqual({ ...before, metrics: before.metrics + 1, logs: before.logs + 2 });
  });

  test('a wrong path, method, type, encoding or body is refused', async () => {
    const statuses = [
      await post('{}', { path: '/v1/spans' }),
      await post('', { method: 'GET' }),
      await post('{}', { type: 'text/plain' }),
      await post('{}', { headers: { 'content-encoding': 'br' } }),
      await post('{"resourceSpans":'),
      await post('not gzip', { headers: { 'content-encoding': 'gzip' } }),
      await post(Uint8Array.of(0x0a, 0x05, 0x00), { type: PROTOBUF }),
      await post(Uint8Array.of(0x7a, 0x05, 0x00), { type: PROTOBUF }),
      await post(Uint8Array.of(0x0f), { type: PROTOBUF }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([404, 405, 415, 415, 400, 400, 400, 400, 400]);
    expect(receiver.spans).toEqual([]);
  });

  test('a refusal of protobuf carries a google.rpc.Status', async () => {
    const answer = await post(Uint8Array.of(0x0f), { type: PROTOBUF });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.subarray(0, 2)).toEqual(Buffer.from([0x12, bytes.length - 2]));
    expect(bytes.toString('latin1', 2)).toContain('wire type 7');
  });

  test.each([
    ['a trace id of zeros', { ...IDS, traceId: '0'.repeat(32) }],
    ['a span id that is too short', { ...IDS, spanId: 'b'.repeat(15) }],
    ['no ids', {}],
    ['a kind that is none', { ...IDS, kind: 9 }],
    ['a status that is none', { ...IDS, status: { code: 3 } }],
  ])('a span with %s is refused', async (_, fields) => {
    expect((await post(spanJson(fields))).status).toBe(400);
    expect(receiver.spans).toEqual([]);
  });

  test('what the SDK does not send is read too: nested values, bytes, 64-bit integers, missing fields', async () => {
    const attributes = [
      { key: 'map', value: { kvlistValue: { values: [{ key: 'deep', value: { intValue: '5' } }] } } },
      { key: 'bytes', value: { bytesValue: 'AQI=' } },
      { key: 'huge', value: { intValue: '9223372036854775807' } },
      { key: 'nan', value: { doubleValue: 'NaN' } },
      { key: 'nothing', value: {} },
    ];
    const answer = await post(gzipSync(spanJson({ ...IDS, attributes })) as Uint8Array<ArrayBuffer>, {
      headers: { 'content-encoding': 'gzip' },
      type: 'application/json; charset=utf-8',
    });
    expect(answer.status).toBe(200);
    expect(receiver.spans).toMatchObject([
      { traceId: 'a'.repeat(32), kind: 'UNSPECIFIED', status: { code: 'UNSET', message: undefined } },
    ]);
    expect(receiver.spans[0]?.attributes).toEqual({
      map: { deep: 5 },
      bytes: Buffer.from([1, 2]),
      huge: 9223372036854775807n,
      nan: Number.NaN,
      nothing: null,
    });
  });

  test('waitForSpan names the spans that came instead when it gives up', async () => {
    await post(spanJson({ ...IDS, name: 'another' }));
    await expect(receiver.waitForSpan(() => false, 5)).rejects.toThrow(/within 5 ms; last seen: another/);
  });
});
