import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { context, diag, metrics, propagation, trace } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startTelemetry } from '../../src/telemetry/sdk.ts';
import { collectLog } from '../support/collect-log.ts';

interface Export {
  readonly path: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string;
}

const servers: Server[] = [];
const { log } = collectLog();

// Exports of metrics that nobody takes would hold up the end of each.
beforeEach(() => void vi.stubEnv('OTEL_METRICS_EXPORTER', 'none'));
afterEach(() => {
  vi.unstubAllEnvs();
  for (const api of [trace, context, propagation, metrics, diag]) api.disable();
  for (const server of servers.splice(0)) server.close();
});

/** Resolves with what is exported to it. */
async function receive(create: typeof createServer | typeof createHttp2Server) {
  let take: (exported: Export) => void = () => undefined;
  const exported = new Promise<Export>((resolve) => {
    take = resolve;
  });
  const server = (create as typeof createServer)(async (request, response) => {
    const { url: path, headers } = request;
    const body = Buffer.concat(await request.toArray()).toString('latin1');
    response.end();
    take({ path, contentType: headers['content-type'], body });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, exported };
}

const makeSpan = () => trace.getTracer('test').startSpan('a-span-of-the-test').end();

describe('spans are exported as OTEL_EXPORTER_OTLP_PROTOCOL says', () => {
  const PROTOBUF = { path: '/v1/traces', contentType: 'application/x-protobuf' };
  const GRPC_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  test.each([
    [undefined, createServer, PROTOBUF],
    ['http/protobuf', createServer, PROTOBUF],
    ['http/json', createServer, { path: '/v1/traces', contentType: 'application/json' }],
    ['grpc', createHttp2Server, { path: GRPC_PATH, contentType: 'application/grpc' }],
    ['carrier-pigeon', createServer, PROTOBUF],
  ])('%s', async (protocol, create, expected) => {
    const { endpoint, exported } = await receive(create);
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint);
    vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol);
    vi.stubEnv('OTEL_SERVICE_NAME', 'named-by-the-variable');
    const telemetry = await startTelemetry({ serviceName: 'named-by-the-service', log });
    makeSpan();
    const ending = telemetry.shutdown();
    const { body, ...rest } = await exported;
    expect(rest).toEqual(expected);
    expect(body).toContain('a-span-of-the-test');
    expect(body).toContain('named-by-the-variable');
    expect(body).not.toContain('named-by-the-service');
    await ending;
  });
});

describe('metrics are exported as OTEL_EXPORTER_OTLP_PROTOCOL says', () => {
  const GRPC_PATH = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
  test.each([
    [undefined, createServer, { path: '/v1/metrics', contentType: 'application/x-protobuf' }],
    ['http/json', createServer, { path: '/v1/metrics', contentType: 'application/json' }],
    ['grpc', createHttp2Server, { path: GRPC_PATH, contentType: 'application/grpc' }],
  ])('%s', async (protocol, create, expected) => {
    const { endpoint, exported } = await receive(create);
    vi.stubEnv('OTEL_METRICS_EXPORTER', 'otlp');
    vi.stubEnv('OTEL_TRACES_EXPORTER', 'none');
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint);
    vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', protocol);
    const telemetry = await startTelemetry({ serviceName: 'sluice', log });
    telemetry.metrics.add('sluice.connections', 1, { 'sluice.outcome': 'logged_in' });
    const ending = telemetry.shutdown();
    const { body, ...rest } = await exported;
    expect(rest).toEqual(expected);
    expect(body).toContain('sluice.connections');
    expect(body).toContain('process.cpu.time');
    await ending;
  });

  test('and are scraped where that is asked for', async () => {
    vi.stubEnv('OTEL_METRICS_EXPORTER', 'prometheus');
    vi.stubEnv('OTEL_TRACES_EXPORTER', 'none');
    const {
      metrics: instruments,
      answerScrape,
      shutdown,
    } = await startTelemetry({ serviceName: 'sluice', log });
    instruments.record('sluice.upload.duration', 2, { 'sluice.backend': 's3', 'sluice.result': 'ok' });
    const server = createServer((request, response) => answerScrape?.(request, response));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toContain('# TYPE sluice_upload_duration_seconds histogram');
    expect(text).toMatch(/sluice_upload_duration_seconds_bucket\{.*le="2\.5".*\} 1/);
    await shutdown();
  });
});

describe('no spans are made', () => {
  test.each([
    ['OTEL_TRACES_EXPORTER', 'none'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_TRACES_SAMPLER', 'always_off'],
  ])('with %s=%s', async (name, value) => {
    vi.stubEnv(name, value);
    const telemetry = await startTelemetry({ serviceName: 'sluice', log });
    expect(trace.getTracer('test').startSpan('unseen').isRecording()).toBe(false);
    await telemetry.shutdown();
  });
});

test('spans go to the process itself, and are exported only when that is asked for', async () => {
  vi.stubEnv('OTEL_TRACES_EXPORTER', 'console');
  const print = vi.spyOn(console, 'dir').mockImplementation(() => undefined);
  const seen: string[] = [];
  const nothing = async () => undefined;
  const local: SpanProcessor = {
    onStart: () => undefined,
    onEnd: ({ name }) => void seen.push(name),
    forceFlush: nothing,
    shutdown: nothing,
  };
  const options = { serviceName: 'sluice', log, processors: [local] };
  const alone = await startTelemetry({ ...options, exports: false });
  makeSpan();
  await alone.shutdown();
  expect(seen).toHaveLength(1);
  expect(print).not.toHaveBeenCalled();
  trace.disable();
  const both = await startTelemetry(options);
  makeSpan();
  await vi.waitFor(() => expect(print).toHaveBeenCalledTimes(1));
  await both.shutdown();
  expect(seen).toHaveLength(2);
});
