import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import {
  BUCKET,
  createSurroundings,
  PREFIX,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';
import { USERNAME } from '../support/workspace.ts';

const MiB = 1024 * 1024;
const SIZE = 12 * MiB;

let around: Surroundings;
let receiver: OtlpReceiver;

/** One service for each test: it exports what is left when it stops, so nothing has to be waited for. */
async function spansOf(
  commands: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly ReceivedSpan[]> {
  receiver.clear();
  const service = await startService({
    ...around.env,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_SERVICE_NAME: 'front-door',
    ...env,
  });
  await sftp(service, around.workspace, commands);
  expect(await service.stop()).toMatchObject({ code: 0 });
  return receiver.spans;
}

beforeAll(async () => {
  around = await createSurroundings();
  receiver = await startOtlpReceiver();
  await writeFile(around.workspace.path('file'), Buffer.alloc(SIZE, 7));
});
afterAll(async () => {
  await receiver?.close();
  await around?.close();
});

test.each(['http/protobuf', 'http/json'])(
  'the trace of an upload arrives at an OTLP receiver by %s, and its job carries it on',
  async (protocol) => {
    const path = `/${protocol.replace('/', '-')}`;
    const spans = await spansOf([`put ${around.workspace.path('file')} ${path}`], {
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    });
    const root = spans.find(({ name }) => name === 'sluice.upload');
    expect(root).toMatchObject({
      kind: 'SERVER',
      parentSpanId: undefined,
      status: { code: 'UNSET' },
      attributes: {
        'sluice.backend': 's3',
        'sluice.path': path,
        'sluice.result': 'ok',
        'sluice.bytes': SIZE,
        'aws.s3.bucket': BUCKET,
        'aws.s3.key': PREFIX + path.slice(1),
        'user.name': USERNAME,
        'client.address': '127.0.0.1',
      },
    });
    expect(root?.resource['service.name']).toBe('front-door');

    const trace = spans.filter(({ traceId }) => traceId === root?.traceId);
    const children = trace.filter(({ parentSpanId }) => parentSpanId === root?.spanId);
    expect(children.map(({ name }) => name)).toEqual([
      'backend.begin_write',
      'backend.write_chunk',
      'backend.write_chunk',
      'backend.write_chunk',
      'backend.finish_write',
    ]);
    for (const child of children) {
      expect(child.attributes).toMatchObject({ 'sluice.backend': 's3', 'sluice.result': 'ok' });
    }
    const chunks = children.filter(({ name }) => name === 'backend.write_chunk');
    expect(chunks.reduce((sum, { attributes }) => sum + Number(attributes['sluice.bytes']), 0)).toBe(SIZE);

    const job = await around.job(path);
    const sent = trace.find(({ name }) => name === 'sqs.send');
    expect(sent).toMatchObject({ kind: 'PRODUCER', parentSpanId: children.at(-1)?.spanId });
    expect(job.traceparent).toBe(`00-${root?.traceId}-${sent?.spanId}-01`);
    expect(job.source).toBe('/sluice/front-door');
    expect(job.id).toBe(root?.attributes['sluice.upload.id']);
  },
);

test('every other request is a trace of its own, with the backend below it', async () => {
  const { workspace } = around;
  await writeFile(workspace.path('note'), 'note');
  const spans = await spansOf([
    'mkdir /made',
    `put ${workspace.path('note')} /made/a`,
    'rename /made/a /made/b',
    'ls -l /made',
    `get /made/b ${workspace.path('got')}`,
    'rm /made/b',
    'rmdir /made',
  ]);
  const below = (name: string) => {
    const parent = spans.find((span) => span.name === name);
    expect(parent, name).toMatchObject({ kind: 'SERVER', parentSpanId: undefined });
    return spans.filter(({ parentSpanId }) => parentSpanId === parent?.spanId).map((span) => span.name);
  };
  expect(below('sftp.mkdir')).toEqual(['backend.make_dir']);
  expect(below('sftp.rename')).toEqual(['backend.rename']);
  expect(below('sftp.opendir')).toEqual(['backend.list_dir']);
  expect(below('sftp.open')).toEqual(['backend.file_info']);
  expect(below('sftp.read')).toEqual(['backend.read_file_range']);
  expect(below('sftp.remove')).toEqual(['backend.delete']);
  expect(below('sftp.rmdir')).toEqual(['backend.del_dir']);
});

test('SLUICE_TRACE_CHUNKS=each gives one span for each write', async () => {
  const spans = await spansOf([`put ${around.workspace.path('file')} /each`], {
    SLUICE_TRACE_CHUNKS: 'each',
  });
  const writes = spans.filter(({ name }) => name === 'backend.write_chunk');
  expect(writes.length).toBeGreaterThan(SIZE / (256 * 1024));
  expect(writes.every(({ attributes }) => attributes['sluice.write.count'] === 1)).toBe(true);
});

test('a failed upload has a whole trace with the error in it, recorded once a span', async () => {
  around.s3.fault({ operation: 'CompleteMultipartUpload', respond: { status: 400, code: 'InvalidPart' } });
  const spans = await spansOf([`put ${around.workspace.path('file')} /failed`]);
  around.s3.clearFaults();
  const root = spans.find(({ name }) => name === 'sluice.upload');
  const finish = spans.find(({ name }) => name === 'backend.finish_write');
  for (const span of [root, finish]) {
    expect(span).toMatchObject({ status: { code: 'ERROR' }, attributes: { 'sluice.result': 'EIO' } });
    expect(span?.events.filter(({ name }) => name === 'exception')).toHaveLength(1);
  }
  expect(spans.some(({ name }) => name === 'sqs.send')).toBe(false);
});

test('without tracing the job has no trace context, rather than one of zeros', async () => {
  await spansOf([`put ${around.workspace.path('note')} /untraced`], { OTEL_SDK_DISABLED: 'true' });
  expect((await around.job('/untraced')).traceparent).toBeUndefined();
});

test('an exporter that nobody listens to does not hold up an upload or the end of the service', async () => {
  const spans = await spansOf([`put ${around.workspace.path('note')} /unheard`], {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  });
  expect(spans).toEqual([]);
  await around.job('/unheard');
});
