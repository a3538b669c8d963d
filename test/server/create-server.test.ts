import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AggregationTemporality, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import {
  type Backend,
  createServer,
  FsError,
  folderBackend,
  generateHostKey,
  type JobEvent,
  memoryBackend,
  type ServerOptions,
  type SluiceServer,
  s3Backend,
} from '../../src/index.ts';
import { sftpByPassword } from '../support/askpass.ts';
import { collectLog } from '../support/collect-log.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../support/s3-subject.ts';
import { BUCKET, createSurroundings, type Surroundings, sftp } from '../support/service.ts';
import { createWorkspace, USERNAME, type Workspace } from '../support/workspace.ts';

let workspace: Workspace;
let hostKeys: string;
let file: string;
const servers: SluiceServer[] = [];

beforeAll(async () => {
  workspace = await createWorkspace();
  hostKeys = await generateHostKey();
  file = workspace.path('report.csv');
  await writeFile(file, 'a,b\n');
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainSeconds: 0 })));
});
afterAll(() => workspace?.remove());

/** A server that listens, and its port. */
async function start(
  options: Partial<ServerOptions> = {},
): Promise<{ readonly server: SluiceServer; readonly port: number }> {
  const auth = { usersFile: workspace.usersFile };
  const server = await createServer({ backend: memoryBackend(), auth, hostKeys, ...options });
  servers.push(server);
  const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
  return { server, port };
}

const put = (port: number, name = '/report.csv') => sftp({ port }, workspace, [`put ${file} ${name}`]);

/** All that happens, by the names of the events. */
function recordEvents(server: SluiceServer): string[] {
  const names: string[] = [];
  for (const name of ['listening', 'connection', 'login', 'job', 'upload', 'uploadFailed', 'close'] as const)
    server.on(name, () => void names.push(name));
  return names;
}

describe('a server in this process', () => {
  test('takes an upload of a real client, and tells what happens in order', async () => {
    const auth = { usersFile: workspace.usersFile };
    const server = await createServer({ backend: memoryBackend(), auth, hostKeys });
    const names = recordEvents(server);
    const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
    expect(server.address()?.port).toBe(port);
    const uploaded = once(server, 'upload');
    const login = once(server, 'login');
    expect(await put(port)).toMatchObject({ code: 0 });
    expect((await login)[0]).toMatchObject({ username: USERNAME, method: 'publickey', outcome: 'accepted' });
    expect((await uploaded)[0]).toMatchObject({
      path: '/report.csv',
      bytes: 4,
      principal: { username: USERNAME, session: { prefix: 'tenants/acme/' } },
      clientAddress: '127.0.0.1',
      stored: { size: 4 },
    });
    await server.close({ drainSeconds: 0 });
    expect(names).toEqual(['listening', 'connection', 'login', 'upload', 'close']);
    expect(server.address()).toBeUndefined();
  });

  test('stands beside another one', async () => {
    const [one, other] = [await start(), await start()];
    expect(await put(one.port)).toMatchObject({ code: 0 });
    expect(await sftp(other, workspace, ['get /report.csv /dev/null'])).toMatchObject({ code: 1 });
  });

  test('shows who is there and what they do', async () => {
    let seen: readonly unknown[] = [];
    const { server, port } = await start({
      jobs: {
        publish: async () => {
          seen = [server.sessions(), server.uploads()];
        },
      },
    });
    expect(await put(port)).toMatchObject({ code: 0 });
    expect(seen).toMatchObject([[{ username: USERNAME }], [{ path: '/report.csv', isFinishing: true }]]);
  });

  test('proves its identity with the key that it was given', async () => {
    const { server, port } = await start();
    const [key] = server.hostKeys;
    expect(key).toMatchObject({ type: 'ssh-ed25519', fingerprint: expect.stringMatching(/^SHA256:/) });
    await put(port);
    expect(await readFile(workspace.path('known_hosts'), 'utf8')).toContain(key?.publicLine);
  });

  test('ends once, is not to be had again, and ends by itself with its scope', async () => {
    const { server, port } = await start();
    {
      await using inner = server;
      expect(inner.address()?.port).toBe(port);
    }
    expect(server.close()).toBe(server.close());
    await expect(server.listen({ port: 0 })).rejects.toThrow('the server was closed');
    expect(await put(port)).toMatchObject({ code: 255 });
  });

  test('that cannot have its port says so, and may try another', async () => {
    const { port } = await start();
    const server = await createServer({
      backend: memoryBackend(),
      auth: async () => undefined,
      hostKeys,
    });
    servers.push(server);
    await expect(server.listen({ port, host: '127.0.0.1' })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect((await server.listen({ port: 0, host: '127.0.0.1' })).port).not.toBe(port);
  });
});

describe('who may come in', () => {
  test('may be decided by a function', async () => {
    const { server, port } = await start({
      auth: async (credentials) =>
        credentials.method === 'password' && credentials.password === 'open sesame'
          ? { username: credentials.username, session: {} }
          : undefined,
    });
    const outcomes: string[] = [];
    server.on('login', ({ method, outcome }) => void outcomes.push(`${method} ${outcome}`));
    const login = async (password: string, method: string) => {
      const options = [`PreferredAuthentications=${method}`];
      return (await sftpByPassword({ port }, workspace, 'ali', password, ['pwd'], options)).code;
    };
    expect(await login('open sesame', 'password')).toBe(0);
    expect(await login('sesame', 'password')).toBe(255);
    expect(await login('open sesame', 'keyboard-interactive')).toBe(0);
    expect(outcomes).toEqual(['password accepted', 'password refused', 'keyboard-interactive accepted']);
  });

  test('may stand in the options', async () => {
    const { users } = JSON.parse(await readFile(workspace.usersFile, 'utf8'));
    const { port } = await start({ auth: { users } });
    expect(await put(port)).toMatchObject({ code: 0 });
  });

  test('is nobody where the answer is no principal', async () => {
    const { log, lines } = collectLog();
    const auth = (async () => ({ name: 'ali' })) as unknown as ServerOptions['auth'] & (() => never);
    const { server, port } = await start({ auth, log });
    const login = once(server, 'login');
    expect((await sftpByPassword({ port }, workspace, 'ali', 'x')).code).toBe(255);
    expect((await login)[0]).toMatchObject({ outcome: 'failed' });
    const [line] = lines.filter(({ message }) => message === 'the authenticator failed');
    expect(String(line?.fields['err'])).toMatch(/must answer with \{ username, session \}/);
  });
});

describe('jobs that a function takes', () => {
  test('are taken before the client hears OK', async () => {
    const events: JobEvent[] = [];
    const { server, port } = await start({ jobs: { publish: async (event) => void events.push(event) } });
    const job = once(server, 'job');
    expect(await put(port)).toMatchObject({ code: 0 });
    expect(events).toMatchObject([
      { type: 'sluice.upload.finished.v1', data: { path: '/report.csv', size: 4, username: USERNAME } },
    ]);
    expect((await job)[0]).toMatchObject({ id: events[0]?.id, type: 'finished', place: 'queue' });
  });

  test('wait for the name of a file that has a temporary one', async () => {
    const events: JobEvent[] = [];
    const { port } = await start({ jobs: { publish: async (event) => void events.push(event) } });
    await sftp({ port }, workspace, [`put ${file} /a.filepart`, `put ${file} /b`, 'rename /a.filepart /a']);
    expect(events.map(({ data }) => data.path)).toEqual(['/b', '/a']);
  });

  test('that are not taken fail the upload', async () => {
    const publish = () => Promise.reject(new Error('the database is away'));
    const { server, port } = await start({ jobs: { publish } });
    const failed = once(server, 'uploadFailed');
    expect(await put(port)).toMatchObject({ code: 1 });
    expect((await failed)[0]).toMatchObject({ path: '/report.csv', code: 'EIO' });
  });
});

describe('a listener', () => {
  test('that throws or rejects harms neither the upload nor other listeners, and is told of', async () => {
    const { log, lines } = collectLog();
    const { server, port } = await start({ log });
    const warnings: string[] = [];
    const onWarning = ({ name, message }: Error) => void warnings.push(`${name}: ${message.split('\n')[0]}`);
    process.on('warning', onWarning);
    const heard: string[] = [];
    server.once('upload', () => {
      throw new Error('thrown');
    });
    server.on('upload', () => Promise.reject(new Error('rejected')) as unknown as undefined);
    server.on('upload', ({ path }) => void heard.push(path));
    expect(await put(port, '/one')).toMatchObject({ code: 0 });
    expect(await put(port, '/two')).toMatchObject({ code: 0 });
    process.off('warning', onWarning);
    expect(heard).toEqual(['/one', '/two']);
    const texts = ['thrown', 'rejected', 'rejected'];
    expect(warnings).toEqual(
      texts.map((text) => `SluiceListenerWarning: a listener of "upload" has failed: Error: ${text}`),
    );
    const told = lines.filter(({ message }) => message === 'a listener has failed');
    expect(told.map(({ fields }) => (fields['err'] as Error).message)).toEqual(texts);
  });
});

describe('a backend of whole files', () => {
  test('is all that it takes, with errors of its own and its lifecycle', async () => {
    const calls: string[] = [];
    const memory = createMemoryBackend();
    // No more than the eight operations.
    const eight: Backend = {
      name: 'eight',
      listDir: (context, path) => memory.listDir(context, path),
      fileInfo: (context, path) => memory.fileInfo(context, path),
      makeDir: async (_context, path) => {
        throw new FsError('EACCES', 'no folders', { operation: 'makeDir', path });
      },
      delDir: (context, path) => memory.delDir(context, path),
      delete: (context, path) => memory.delete(context, path),
      rename: (context, from, to, options) => memory.rename(context, from, to, options),
      readFile: (context, path) => memory.readFile(context, path),
      writeFile: (context, path, bytes) => memory.writeFile(context, path, bytes),
    };
    const lifecycle = { start: () => void calls.push('start'), close: () => void calls.push('close') };
    const { server, port } = await start({ backend: { ...eight, ...lifecycle } });
    expect(await server.probe()).toEqual(new Map([['backend', { state: 'ok' }]]));
    const back = workspace.path('back.csv');
    const moved = ['rename /report.csv /b', `get /b ${back}`, 'rm /b'];
    expect(await sftp({ port }, workspace, [`put ${file} /report.csv`, ...moved])).toMatchObject({ code: 0 });
    expect(await readFile(back, 'utf8')).toBe('a,b\n');
    expect((await sftp({ port }, workspace, ['mkdir /folder'])).stderr).toMatch(/Permission denied/);
    await server.close({ drainSeconds: 0 });
    expect(calls).toEqual(['start', 'close']);
  });

  test('may be made by a factory, from options', async () => {
    const init = ({ name }: { readonly name: string }) => ({ ...createMemoryBackend(), name });
    const { server } = await start({ backend: { init }, backendOptions: { name: 'made' } });
    expect(await server.probe()).toEqual(new Map([['backend', { state: 'ok' }]]));
    const failing = { init: () => Promise.reject(new Error('no disk')) };
    const options = { backend: failing, auth: async () => undefined, hostKeys };
    await expect(createServer(options)).rejects.toThrow('backend cannot be initialised: no disk');
  });
});

test('spans go to the tracer that it is given', async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const jobs = { publish: async () => undefined };
  const { server, port } = await start({ tracer: provider.getTracer('host'), jobs });
  const uploaded = once(server, 'upload');
  await put(port);
  const [{ traceId }] = await uploaded;
  const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  expect(spans.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['sluice.upload', 'backend.begin_write', 'backend.finish_write', 'job.publish']),
  );
  expect(spans.find(({ name }) => name === 'job.publish')?.attributes).not.toHaveProperty('messaging.system');
  await provider.shutdown();
});

test('metrics go to the meter that it is given, until the server has ended', async () => {
  class Reader extends MetricReader {
    async onForceFlush(): Promise<void> {}
    async onShutdown(): Promise<void> {}
  }
  // A reader of totals would be told the last value for ever.
  const reader = new Reader({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
  const provider = new MeterProvider({ readers: [reader] });
  const names = async () => {
    const { resourceMetrics } = await reader.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return metrics.filter(({ dataPoints }) => dataPoints.length > 0).map(({ descriptor }) => descriptor.name);
  };
  const { server, port } = await start({ meter: provider.getMeter('host') });
  await put(port);
  expect(await names()).toEqual(expect.arrayContaining(['sluice.uploads', 'sluice.buffer.limit']));
  await server.close({ drainSeconds: 0 });
  expect(await names()).not.toContain('sluice.buffer.limit');
  await provider.shutdown();
});

test('files in a folder are there, and their jobs wait there until the function takes them', async () => {
  const root = workspace.path('files');
  await mkdir(root);
  let onTaken: (path: string) => void = () => undefined;
  const taken = new Promise<string>((resolve) => {
    onTaken = resolve;
  });
  let isAway = true;
  const publish = async ({ data }: JobEvent) => {
    if (isAway) throw new Error('away');
    onTaken(data.path);
  };
  const backend = folderBackend({ root, prefix: 'session:prefix' });
  const { server, port } = await start({ backend, jobs: { publish } });
  const job = once(server, 'job');
  expect(await put(port)).toMatchObject({ code: 0 });
  expect((await job)[0]).toMatchObject({ place: 'outbox' });
  expect(await readFile(join(root, 'tenants/acme/report.csv'), 'utf8')).toBe('a,b\n');
  expect(await server.probe()).toEqual(new Map([['folder', { state: 'ok' }]]));
  isAway = false;
  expect(await taken).toBe('/report.csv');
});

describe('files in S3', () => {
  let around: Surroundings;
  beforeAll(async () => {
    around = await createSurroundings();
  });
  afterAll(() => around?.close());

  const aws = (endpoint: string) => ({ endpoint, region: TEST_REGION, credentials: TEST_CREDENTIALS });
  const backend = () => s3Backend({ bucket: BUCKET, prefix: 'session:prefix', aws: aws(around.s3.endpoint) });

  test('have their jobs in SQS', async () => {
    const queueUrl = around.env['SLUICE_QUEUE_URL'] ?? '';
    const jobs = { queueUrl, aws: aws(around.sqs.endpoint) };
    const { server, port } = await start({ backend: backend(), jobs });
    expect(await server.probe()).toEqual(
      new Map([
        ['bucket', { state: 'ok' }],
        ['queue', { state: 'ok' }],
      ]),
    );
    expect(await put(port, '/queued.csv')).toMatchObject({ code: 0 });
    expect(await around.job('/queued.csv')).toMatchObject({ data: { key: 'tenants/acme/queued.csv' } });
  });

  test('have jobs that wait in the bucket until the function takes them', async () => {
    const taken: string[] = [];
    let isAway = true;
    const publish = async ({ data }: JobEvent) => {
      if (isAway) throw new Error('away');
      taken.push(data.path);
    };
    const { server, port } = await start({ backend: backend(), jobs: { publish } });
    const job = once(server, 'job');
    expect(await put(port, '/waiting.csv')).toMatchObject({ code: 0 });
    expect((await job)[0]).toMatchObject({ place: 'outbox' });
    isAway = false;
    await around.s3.waitFor(
      ({ operation, key, status }) =>
        operation === 'DeleteObject' && status === 204 && key?.startsWith('.sluice/outbox/') === true,
    );
    expect(taken).toEqual(['/waiting.csv']);
  });
});
