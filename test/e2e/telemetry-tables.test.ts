import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { METRICS } from '../../src/telemetry/metrics.ts';
import { answer, Ssh2Client, settled } from '../clients/ssh2-client.ts';
import { createFailureQueue, type FailureQueue } from '../support/failure-queue.ts';
import { codeIn, readTable } from '../support/markdown-tables.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { run } from '../support/processes.ts';
import { TEST_CREDENTIALS } from '../support/s3-subject.ts';
import {
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  sftp,
  sshOptions,
  startService,
} from '../support/service.ts';
import { type StrictSts, startStrictSts, TEST_ROLE } from '../support/strict-sts.ts';

const MiB = 1024 * 1024;
const DOCS = new URL('../../docs/telemetry.md', import.meta.url);

/** Metrics that tell of what did not happen here. */
const UNSEEN_METRICS: readonly string[] = [];

let around: Surroundings;
let failures: FailureQueue;
let receiver: OtlpReceiver;
let sts: StrictSts;
let spans: readonly ReceivedSpan[];

/** Does everything once that the tables tell of. */
beforeAll(async () => {
  around = await createSurroundings();
  failures = await createFailureQueue(around);
  receiver = await startOtlpReceiver();
  sts = await startStrictSts(TEST_CREDENTIALS);
  const service = await startService({
    ...around.env,
    SLUICE_FAILURE_QUEUE_URL: failures.queueUrl,
    SLUICE_ASSUME_ROLE_ARN: TEST_ROLE,
    AWS_ENDPOINT_URL_STS: sts.endpoint,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
  });
  await useEverything(service);
  expect(await service.stop()).toMatchObject({ code: 0 });
  spans = receiver.spans;
});
afterAll(async () => {
  await failures?.close();
  await receiver?.close();
  await sts?.close();
  await around?.close();
});

async function useEverything(service: Service): Promise<void> {
  const { workspace } = around;
  const big = workspace.path('big');
  await writeFile(big, randomBytes(12 * MiB));
  const note = workspace.path('note');
  await writeFile(note, 'note');
  // In a session of its own: in what it has made itself a session asks S3 of nothing.
  expect(await sftp(service, workspace, ['mkdir /made'])).toMatchObject({ code: 0 });
  const commands = [
    `put -f ${note} /made/a`,
    `put ${big} /made/big`,
    `put ${note} /made/staged.part`,
    'rename /made/staged.part /made/staged',
    'cp /made/big /made/copy',
    'rename /made/a /made/b',
    'chmod 600 /made/b',
    'ls -l /made',
    'df /made',
    `get /made/b ${workspace.path('got')}`,
    'rm /made/b',
    'rm /made/big',
    'rm /made/copy',
    'rm /made/staged',
    'rmdir /made',
  ];
  expect(await sftp(service, workspace, commands)).toMatchObject({ code: 0 });
  await run('sftp', [
    ...sshOptions(workspace),
    '-P',
    String(service.port),
    '-b',
    '/dev/null',
    'nobody@127.0.0.1',
  ]);

  const client = await Ssh2Client.connect(service.port, workspace);
  const handle = await answer<Buffer>((done) => client.sftp.open('/both', 'w+', done));
  await client.write(handle, 0, Buffer.from('written'));
  await answer((done) =>
    client.sftp.read(handle, Buffer.alloc(7), 0, 7, 0, (error, bytes) => done(error, bytes)),
  );
  await settled((done) => client.sftp.fsetstat(handle, { size: 3 }, done));
  await answer((done) => client.sftp.fstat(handle, done));
  await client.close(handle);
  const reading = await answer<Buffer>((done) => client.sftp.open('/both', 'r', done));
  await answer((done) => client.sftp.fstat(reading, done));
  await client.close(reading);
  await answer((done) => client.sftp.readlink('/both', done)).catch(() => undefined);
  await answer((done) => client.sftp.lstat('/both', done));
  await answer((done) => client.sftp.stat('/none', done)).catch(() => undefined);
  const listing = await answer<Buffer>((done) => client.sftp.opendir('/', done));
  await answer((done) => client.sftp.fstat(listing, done));
  for (let more = true; more; ) {
    more = await answer((done) => client.sftp.readdir(listing, done)).then(
      () => true,
      () => false,
    );
  }
  around.s3.fault({ operation: 'PutObject', times: 1, respond: { status: 503, code: 'SlowDown' } });
  await upload(client, '/again');
  // Once past the SDK and once by it (docs/adr/0023-express-lane.md).
  around.s3.fault({ operation: 'PutObject', times: 2, respond: { status: 403, code: 'AccessDenied' } });
  await expect(upload(client, '/denied')).rejects.toThrow();
  // Is not closed: the end of the connection aborts it.
  const abandoned = await answer<Buffer>((done) => client.sftp.open('/abandoned', 'w', done));
  await client.write(abandoned, 0, Buffer.from('half'));
  await client.end();
  await failures.event('/abandoned');
}

async function upload(client: Ssh2Client, path: string): Promise<void> {
  const handle = await answer<Buffer>((done) => client.sftp.open(path, 'w', done));
  await client.write(handle, 0, Buffer.from('written'));
  await client.close(handle);
}

interface Documented {
  readonly kind: string;
  readonly parents: readonly string[];
  readonly attributes: readonly string[];
}

function documentedSpans(): Map<string, Documented> {
  const rows = readTable(DOCS, '## Spans', ['Span', 'Kind', 'Parent', 'Attributes', 'When']);
  return new Map(
    rows.flatMap(({ Span, Kind = '', Parent = '', Attributes }) => {
      const parents = [
        ...codeIn(Parent),
        ...(Parent.includes('none') ? ['none'] : []),
        ...(Parent.includes('any') ? ['*'] : []),
      ];
      return codeIn(Span).map(
        (name) => [name, { kind: Kind, parents, attributes: codeIn(Attributes) }] as const,
      );
    }),
  );
}

const isNamed = (pattern: string, name: string) =>
  pattern === name || (/[*<]/.test(pattern) && name.startsWith(pattern.replace(/[*<].*$/, '')));

describe('the table of spans', () => {
  const table = documentedSpans();
  const rowOf = (name: string) => [...table].find(([pattern]) => isNamed(pattern, name));

  test('has every span that a service sends, by kind, parent and attributes', () => {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const wrong = new Set<string>();
    for (const { name, kind, parentSpanId, attributes } of spans) {
      const [, row] = rowOf(name) ?? [];
      if (row === undefined) {
        wrong.add(`${name} is not in the table`);
        continue;
      }
      if (row.kind !== kind) wrong.add(`${name} is ${kind}`);
      const parent =
        parentSpanId === undefined ? 'none' : (byId.get(parentSpanId)?.name ?? 'a span that never came');
      if (!row.parents.some((pattern) => isNamed(pattern, parent))) wrong.add(`${name} below ${parent}`);
      for (const attribute of Object.keys(attributes)) {
        if (!row.attributes.includes(attribute)) wrong.add(`${name} has ${attribute}`);
      }
    }
    expect([...wrong]).toEqual([]);
  });

  test('has no span that is never sent, and none with an attribute that it never has', () => {
    const missing: string[] = [];
    for (const [pattern, { attributes }] of table) {
      const seen = spans.filter(({ name }) => isNamed(pattern, name));
      if (seen.length === 0) missing.push(pattern);
      const keys = new Set(seen.flatMap((span) => Object.keys(span.attributes)));
      missing.push(...attributes.filter((name) => !keys.has(name)).map((name) => `${pattern}: ${name}`));
    }
    expect(missing).toEqual([
      // The queue took everything at once, STS answered at once, and everybody could be authenticated, or not.
      'SQS.<Operation>: http.request.resend_count',
      'SQS.<Operation>: error.type',
      'STS.AssumeRole: http.request.resend_count',
      'STS.AssumeRole: error.type',
      'ssh.authenticate: sluice.result',
    ]);
  });

  test('explains every attribute', () => {
    const explained = readTable(DOCS, '## Spans', ['Attribute', 'Meaning']).flatMap(({ Attribute }) =>
      codeIn(Attribute),
    );
    const used = new Set([...table.values()].flatMap(({ attributes }) => attributes));
    expect([...used].filter((name) => !explained.includes(name))).toEqual([]);
    expect(explained.filter((name) => !used.has(name))).toEqual([]);
  });

  test('the trace of an upload reaches from OPEN over every call of AWS to its job', () => {
    const root = spans.find(
      ({ name, attributes }) => name === 'sluice.upload' && attributes['sluice.path'] === '/made/big',
    );
    const trace = spans.filter(({ traceId }) => traceId === root?.traceId);
    const below = (parent: string) =>
      trace
        .filter(({ parentSpanId }) => trace.find(({ spanId }) => spanId === parentSpanId)?.name === parent)
        .map(({ name }) => name);
    expect(below('backend.begin_write')).toContain('S3.ListObjectsV2');
    expect(below('backend.write_chunk').filter((name) => name === 'S3.UploadPart').length).toBeGreaterThan(0);
    expect(below('backend.finish_write')).toEqual(
      expect.arrayContaining(['S3.CompleteMultipartUpload', 'sqs.send']),
    );
    expect(below('sqs.send')).toEqual(['SQS.SendMessageBatch']);
  });
});

test('every call of S3 on account of a client is below what it did', () => {
  const ofClients = spans.filter(({ name, attributes }) => {
    const key = attributes['aws.s3.key'];
    return name.startsWith('S3.') && typeof key === 'string' && key.startsWith(PREFIX);
  });
  expect(ofClients.length).toBeGreaterThan(50);
  expect(ofClients.filter(({ parentSpanId }) => parentSpanId === undefined)).toEqual([]);
  const sends = spans.filter(({ name }) => name === 'SQS.SendMessageBatch');
  expect(sends.filter(({ parentSpanId }) => parentSpanId === undefined)).toEqual([]);
});

describe('the table of metrics', () => {
  const rows = readTable(DOCS, '## Metrics', ['Metric', 'Kind', 'Unit', 'Attributes', 'Meaning']);

  test('is the one that the instruments are made by', () => {
    const documented = rows.map(({ Metric, Kind, Unit, Attributes, Meaning }) => [
      codeIn(Metric)[0],
      { kind: Kind, unit: codeIn(Unit)[0], attributes: codeIn(Attributes), description: Meaning },
    ]);
    expect(Object.fromEntries(documented)).toEqual(METRICS);
  });

  test('has every metric that a service sends, with no other attributes', () => {
    const kinds: Record<string, string> = { sum: 'counter', histogram: 'histogram', gauge: 'gauge' };
    const wrong = receiver.metrics.flatMap(({ name, unit, kind, points }) => {
      const row = METRICS[name as keyof typeof METRICS];
      if (row === undefined) return [`${name} is not in the table`];
      const allowed: readonly string[] = row.attributes;
      const odd = points.flatMap(({ attributes }) =>
        Object.keys(attributes).filter((attribute) => !allowed.includes(attribute)),
      );
      return [
        ...odd.map((attribute) => `${name} has ${attribute}`),
        ...(row.unit === unit ? [] : [`${name} is in ${unit}`]),
        ...(row.kind.endsWith(kinds[kind] ?? '') ? [] : [`${name} is a ${kind}`]),
      ];
    });
    expect(wrong).toEqual([]);
    const sent = new Set(receiver.metrics.map(({ name }) => name));
    expect(Object.keys(METRICS).filter((name) => !sent.has(name))).toEqual(UNSEEN_METRICS);
  });

  test('tells what was done: uploads by result, bytes, attempts to log in, jobs', () => {
    const points = (name: string) =>
      receiver.metrics.findLast((metric) => metric.name === name)?.points ?? [];
    const value = (name: string, attributes: Readonly<Record<string, string>>) =>
      points(name).find((point) =>
        Object.entries(attributes).every(([key, expected]) => point.attributes[key] === expected),
      )?.value;
    // a, big, staged, copy, both and again; abandoned; denied.
    expect(value('sluice.uploads', { 'sluice.result': 'ok' })).toBe(6);
    expect(value('sluice.uploads', { 'sluice.result': 'EACCES' })).toBe(1);
    expect(value('sluice.uploads', { 'sluice.result': 'ECONNABORTED' })).toBe(1);
    expect(value('sluice.upload.io', {})).toBeGreaterThan(12 * MiB);
    expect(value('sluice.upload.active', {})).toBe(0);
    expect(value('sluice.connections', { 'sluice.outcome': 'logged_in' })).toBe(3);
    expect(value('sluice.connections', { 'sluice.outcome': 'no_login' })).toBe(1);
    const refused = { 'sluice.authentication.method': 'publickey', 'sluice.outcome': 'refused' };
    expect(value('sluice.authentication.attempts', refused)).toBe(1);
    expect(value('sluice.jobs', { 'sluice.job.type': 'finished', 'sluice.job.place': 'queue' })).toBe(6);
    expect(value('sluice.jobs', { 'sluice.job.type': 'failed', 'sluice.job.place': 'queue' })).toBe(2);
    expect(value('sluice.buffer.limit', {})).toBe(256 * MiB);
    expect(value('process.memory.usage', {})).toBeGreaterThan(30 * MiB);
  });
});
