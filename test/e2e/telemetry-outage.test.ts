import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import {
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';

const NOT_EXPORTED = /^telemetry is not exported/;

let around: Surroundings;

beforeAll(async () => {
  around = await createSurroundings();
  await writeFile(around.workspace.path('file'), 'content');
});
afterAll(() => around?.close());

function start(endpoint: string, env: Readonly<Record<string, string>> = {}): Promise<Service> {
  return startService({
    ...around.env,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    // Often, so that a failure is not the only one.
    OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    OTEL_BSP_SCHEDULE_DELAY: '20',
    OTEL_BSP_EXPORT_TIMEOUT: '500',
    OTEL_METRIC_EXPORT_INTERVAL: '50',
    ...env,
  });
}

async function upload(service: Service, path: string): Promise<void> {
  const commands = [`put ${around.workspace.path('file')} ${path}`];
  expect(await sftp(service, around.workspace, commands)).toMatchObject({ code: 0 });
  await around.job(path);
}

describe('a receiver that', () => {
  let silent: Server;
  beforeAll(async () => {
    silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    silent?.closeAllConnections();
    silent?.close();
  });

  test.each([
    ['is not there', () => 'http://127.0.0.1:9'],
    ['never answers', () => `http://127.0.0.1:${(silent.address() as AddressInfo).port}`],
  ])('%s holds up no upload and not the end, and costs one warning', async (what, endpoint) => {
    const service = await start(endpoint());
    const path = `/${what.replaceAll(' ', '-')}`;
    await upload(service, `${path}-1`);
    const warning = await service.log(({ msg }) => NOT_EXPORTED.test(String(msg)));
    expect(warning).toMatchObject({ level: 'warn', problem: expect.any(String) });
    for (const n of [2, 3, 4]) await upload(service, `${path}-${n}`);
    const { code, stdout } = await service.stop();
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => line.includes('telemetry is not exported'))).toHaveLength(1);
  });
});

describe('head sampling by the standard variables', () => {
  let receiver: OtlpReceiver;
  beforeAll(async () => {
    receiver = await startOtlpReceiver();
  });
  afterAll(() => receiver?.close());

  test('keeps whole traces, failed ones too, and the job says whether its upload was kept', async () => {
    const service = await start(receiver.endpoint, {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
      OTEL_METRICS_EXPORTER: 'none',
    });
    const { workspace } = around;
    const file = workspace.path('file');
    const puts = (name: string) => Array.from({ length: 20 }, (_, n) => `-put ${file} /${name}-${n}`);
    await sftp(service, workspace, puts('sampled'));
    around.s3.fault({ operation: 'PutObject', respond: { status: 403, code: 'AccessDenied' } });
    // Until the end: a refused request goes once past the SDK and once by it (docs/adr/0023-express-lane.md).
    await sftp(service, workspace, puts('denied'));
    await service.stop();

    const roots = receiver.spans.filter(({ name }) => name === 'sluice.upload');
    const kept = (result: string) => roots.filter(({ attributes }) => attributes['sluice.result'] === result);
    for (const result of ['ok', 'EACCES']) {
      expect(kept(result).length).toBeGreaterThan(0);
      expect(kept(result).length).toBeLessThan(20);
    }
    // Whole: nothing without its root, and every root with what stands below it.
    const ids = new Set(receiver.spans.map(({ spanId }) => spanId));
    expect(receiver.spans.filter(({ parentSpanId }) => parentSpanId && !ids.has(parentSpanId))).toEqual([]);
    for (const { traceId, attributes } of roots) {
      const names = receiver.spans.filter((span) => span.traceId === traceId).map(({ name }) => name);
      expect(names).toContain('backend.begin_write');
      if (attributes['sluice.result'] === 'ok') expect(names).toContain('SQS.SendMessageBatch');
    }
    for (let n = 0; n < 20; n++) {
      const { traceparent = '' } = await around.job(`/sampled-${n}`);
      const [, traceId, , flags] = traceparent.split('-');
      expect(flags).toBe(roots.some((root) => root.traceId === traceId) ? '01' : '00');
    }
  });
});
