import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { RecordedTrace } from '../../src/contract/activity.ts';
import { ask, EventStream } from '../support/event-stream.ts';
import { run } from '../support/processes.ts';
import { COMMAND, sftp, startService } from '../support/service.ts';
import { shareService } from '../support/shared-service.ts';

const MiB = 1024 * 1024;

const shared = shareService({ SLUICE_CONSOLE: '127.0.0.1:0' });

async function consoleUrl(): Promise<string> {
  const { url } = await shared.service.log(({ msg }) => msg === 'console');
  return String(url);
}

async function traceOf(url: string, traceId: string): Promise<RecordedTrace> {
  const { status, body } = await ask(url, `/api/traces/${traceId}`);
  expect(status).toBe(200);
  return JSON.parse(body) as RecordedTrace;
}

test('an upload is seen as it begins, grows, is stored and has its job; its trace is there', async () => {
  const url = await consoleUrl();
  const stream = await EventStream.open(url);
  await stream.event(({ name }) => name === 'state');
  const bytes = await shared.localFile('slow', 3 * MiB);
  // Slow enough, in kbit/s, to be seen on the way.
  const limit = ['-l', '16000'];
  const uploading = sftp(
    shared.service,
    shared.around.workspace,
    [`put ${shared.local('slow')} /slow`],
    limit,
  );

  const login = await stream.update((data) => data.sessions?.added.length > 0);
  expect(login.sessions.added).toMatchObject([
    { username: 'acme', clientVersion: expect.stringMatching(/^OpenSSH/) },
  ]);
  const begun = await stream.update((data) => data.uploads?.added.length > 0);
  const [upload] = begun.uploads.added;
  expect(upload).toMatchObject({ username: 'acme', path: '/slow', isFinishing: false });
  const grown = await stream.update((data) =>
    data.uploads?.changed.some((each: { bytes: number }) => each.bytes > 0 && each.bytes < bytes.length),
  );
  expect(grown.uploads.changed[0].id).toBe(upload.id);
  expect((await traceOf(url, upload.traceId)).spans[0]).toMatchObject({ name: 'sluice.upload' });

  expect(await uploading).toMatchObject({ code: 0 });
  const done = await stream.update((data) => data.ended?.length > 0);
  expect(done.ended).toMatchObject([
    { id: upload.id, path: '/slow', bytes: bytes.length, result: 'ok', key: 'tenants/acme/slow' },
  ]);
  const sent = await stream.update((data) => data.jobs?.length > 0);
  expect(sent.jobs).toMatchObject([{ id: upload.id, type: 'finished', path: '/slow', place: 'queue' }]);
  await stream.update((data) => data.sessions?.gone.length > 0);

  const { spans, leftOut } = await traceOf(url, upload.traceId);
  expect(leftOut).toBe(0);
  expect(spans.every(({ endMs }) => endMs !== undefined)).toBe(true);
  expect(spans.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['sluice.upload', 'backend.begin_write', 'backend.write_chunk', 'sqs.send']),
  );
  stream.close();
});

test('a failed upload is told with its reason, and its trace with the span that failed', async () => {
  const url = await consoleUrl();
  const stream = await EventStream.open(url);
  await shared.localFile('small', 10);
  shared.around.s3.fault({ operation: 'PutObject', respond: { status: 403, code: 'AccessDenied' } });
  expect((await shared.run(`put ${shared.local('small')} /refused`)).code).not.toBe(0);
  shared.around.s3.clearFaults();
  const failed = ({ path, result }: { path: string; result: string }) =>
    path === '/refused' && result !== 'ok';
  const data = await stream.update(({ ended }) => ended?.some(failed));
  const ended = data.ended.find(failed);
  expect(ended).toMatchObject({ result: 'EACCES', key: null });
  const { spans } = await traceOf(url, ended.traceId);
  expect(spans.find(({ parentSpanId }) => parentSpanId === undefined)?.error).toBeDefined();
  expect(spans.filter(({ error }) => error !== undefined).map(({ name }) => name)).toContain(
    'backend.finish_write',
  );
  stream.close();
});

test('the page is served from the package as it is built', async () => {
  const { status, body } = await ask(await consoleUrl(), '/');
  expect(status).toBe(200);
  expect(body).toContain('<title>Sluice console</title>');
});

describe('sluice serve', () => {
  test('has no console unless it is told where', async () => {
    const service = await startService(shared.around.env);
    expect(service.logged('console')).toEqual([]);
    await service.stop();
  });

  test('warns of a console that others can reach', async () => {
    const service = await startService({ ...shared.around.env, SLUICE_CONSOLE: '0.0.0.0:0' });
    expect(service.logged('console')).toMatchObject([
      { url: expect.stringMatching(/^http:\/\/0\.0\.0\.0:\d+$/) },
    ]);
    const warnings = service.running.lines.filter((line) => line.includes('asks for no password'));
    expect(warnings).toHaveLength(1);
    await service.stop();
  });

  test('does not start when the port of its console is taken, and says which variable to change', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const env = { ...shared.around.env, SLUICE_CONSOLE: `127.0.0.1:${port}` };
    const { code, stderr } = await run(process.execPath, [...COMMAND, 'serve'], { env });
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `sluice: SLUICE_CONSOLE: 127.0.0.1:${port} is taken by another process; choose another port\n`,
    );
  });

  test('goes on showing uploads while it drains', async () => {
    const service = await startService({ ...shared.around.env, SLUICE_CONSOLE: '127.0.0.1:0' });
    const { url } = await service.log(({ msg }) => msg === 'console');
    const stream = await EventStream.open(String(url));
    await shared.localFile('drained', 3 * MiB);
    const limit = ['-l', '16000'];
    const uploading = sftp(
      service,
      shared.around.workspace,
      [`put ${shared.local('drained')} /drained`],
      limit,
    );
    await stream.update((data) => data.uploads?.added?.length > 0);
    const stopped = service.stop();
    const data = await stream.update(({ ended }) => ended?.length > 0);
    expect(data.ended).toMatchObject([{ path: '/drained', result: 'ok' }]);
    await stream.closed;
    expect(await stopped).toMatchObject({ code: 0 });
    await uploading;
  });
});
