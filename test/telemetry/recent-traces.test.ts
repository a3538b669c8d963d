import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { beforeEach, describe, expect, test } from 'vitest';
import { RecentTraces, type TraceLimits } from '../../src/telemetry/recent-traces.ts';

let traces: RecentTraces;
let tracer: ReturnType<NodeTracerProvider['getTracer']>;

function setUp(limits: Partial<TraceLimits> = {}): void {
  traces = new RecentTraces(limits);
  tracer = new NodeTracerProvider({ spanProcessors: [traces] }).getTracer('test');
}

beforeEach(() => setUp());

const startUpload = () => tracer.startSpan('sluice.upload', { kind: SpanKind.SERVER, root: true });

function startChild(parent: Span, name = 'backend.write_chunk'): Span {
  return tracer.startSpan(name, {}, trace.setSpan(ROOT_CONTEXT, parent));
}

const idOf = (span: Span) => span.spanContext().traceId;
const namesOf = (span: Span) => traces.trace(idOf(span))?.spans.map(({ name }) => name);

describe('a trace', () => {
  test('is told as it is while its upload goes on', () => {
    const upload = startUpload();
    startChild(upload, 'backend.begin_write').end();
    const writing = startChild(upload);
    expect(namesOf(upload)).toEqual(['sluice.upload', 'backend.write_chunk', 'backend.begin_write']);
    expect(traces.trace(idOf(upload))?.spans.map(({ endMs }) => endMs === undefined)).toEqual([
      true,
      true,
      false,
    ]);
    writing.end();
    upload.end();
    expect(traces.trace(idOf(upload))?.spans.some(({ endMs }) => endMs === undefined)).toBe(false);
  });

  test('has of each span what is known of it', () => {
    const upload = startUpload();
    const linked = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
    const options = { kind: SpanKind.PRODUCER, startTime: 1000, links: [{ context: linked }] };
    const span = tracer.startSpan('sqs.send', options, trace.setSpan(ROOT_CONTEXT, upload));
    span.setAttributes({ 'sluice.path': '/a', 'sluice.bytes': 3, list: ['x', 'y'] });
    span.addEvent('exception', { 'exception.message': 'away' }, 1001);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'SQS is away' });
    span.end(1002.5);
    expect(traces.trace(idOf(upload))?.spans.at(-1)).toEqual({
      name: 'sqs.send',
      kind: 'producer',
      spanId: span.spanContext().spanId,
      parentSpanId: upload.spanContext().spanId,
      startMs: 1000,
      endMs: 1002.5,
      attributes: { 'sluice.path': '/a', 'sluice.bytes': 3, list: ['x', 'y'] },
      error: 'SQS is away',
      events: [{ name: 'exception', atMs: 1001, attributes: { 'exception.message': 'away' } }],
      links: [{ traceId: linked.traceId, spanId: linked.spanId }],
    });
  });

  test('goes on when a later request belongs to it', () => {
    const upload = startUpload();
    upload.end();
    startChild(upload, 'sqs.send').end();
    expect(namesOf(upload)).toEqual(['sluice.upload', 'sqs.send']);
  });

  test('that is no upload passes by', () => {
    const listing = tracer.startSpan('sftp.readdir', { root: true });
    startChild(listing, 'backend.list_dir').end();
    listing.end();
    expect(traces.trace(idOf(listing))).toBeUndefined();
  });

  test('keeps texts short, whatever clients call their files', () => {
    const upload = startUpload();
    upload.setAttribute('sluice.path', '/'.repeat(100_000));
    upload.end();
    expect(String(traces.trace(idOf(upload))?.spans[0]?.attributes['sluice.path'])).toHaveLength(2001);
  });
});

describe('memory', () => {
  test('of one trace is bounded: its first spans, its last, those that failed between them, and how many more', () => {
    setUp({ first: 3, last: 2, failed: 1 });
    const upload = startUpload();
    for (let n = 0; n < 10_000; n++) {
      const span = startChild(upload, `part ${n}`);
      if (n === 5000 || n === 6000) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    }
    upload.end();
    expect(namesOf(upload)).toEqual([
      'sluice.upload',
      'part 0',
      'part 1',
      'part 2',
      'part 5000',
      'part 9998',
      'part 9999',
    ]);
    expect(traces.trace(idOf(upload))?.leftOut).toBe(9994);
  });

  test('of spans that never end is bounded too', () => {
    setUp({ last: 2 });
    const upload = startUpload();
    for (let n = 0; n < 100; n++) startChild(upload);
    expect(namesOf(upload)).toHaveLength(3);
  });

  test('of many traces is bounded: the oldest that has ended goes first', () => {
    setUp({ traces: 2 });
    const [going, ended, newest] = [startUpload(), startUpload(), startUpload()];
    expect(namesOf(going)).toBeUndefined();
    ended.end();
    const next = startUpload();
    expect([ended, newest, next].map((span) => namesOf(span) !== undefined)).toEqual([false, true, true]);
  });

  test('of all spans together is bounded, and what went makes room', () => {
    setUp({ spans: 10 });
    const uploads = Array.from({ length: 20 }, () => {
      const upload = startUpload();
      for (let n = 0; n < 4; n++) startChild(upload).end();
      upload.end();
      return upload;
    });
    expect(uploads.map((upload) => namesOf(upload)?.length ?? 0)).toEqual([...Array(18).fill(0), 5, 5]);
  });
});

test('listeners hear of every upload that ends, kept or not, until they stop', () => {
  setUp({ traces: 1 });
  const heard: string[] = [];
  const stop = traces.onUploadEnded((traceId) => heard.push(traceId));
  const [forgotten, kept] = [startUpload(), startUpload()];
  startChild(kept).end();
  expect(heard).toEqual([]);
  kept.end();
  forgotten.end();
  expect(heard).toEqual([idOf(kept), idOf(forgotten)]);
  expect(traces.hasEnded(idOf(kept))).toBe(true);
  stop();
  startUpload().end();
  expect(heard).toHaveLength(2);
});
