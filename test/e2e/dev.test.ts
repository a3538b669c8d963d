import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventStream } from '../support/event-stream.ts';
import { Running, run } from '../support/processes.ts';

const MAIN = join(process.cwd(), 'dist/main.js');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-dev-'));
  await writeFile(join(folder, 'askpass'), '#!/bin/sh\necho demo\n', { mode: 0o700 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts `sluice dev` in a folder of its own and returns it with the command that it tells the user to type. */
async function startDev(env: Readonly<Record<string, string>> = {}) {
  const dev = new Running(process.execPath, [MAIN, 'dev'], {
    cwd: folder,
    env: { SLUICE_PORT: '0', ...env },
  });
  const command = (await dev.line((line) => line.trim().startsWith('sftp -P '))).trim().split(' ');
  await dev.line((line) => line.startsWith('Waiting for uploads'));
  return { dev, command };
}

/** Types that command, with the printed password, and commands at its prompt. */
function type(command: readonly string[], ...commands: readonly string[]) {
  return run(command[0] ?? '', ['-o', 'BatchMode=no', '-b', '-', ...command.slice(1)], {
    cwd: folder,
    input: `${commands.join('\n')}\n`,
    env: { SSH_ASKPASS: join(folder, 'askpass'), SSH_ASKPASS_REQUIRE: 'force', DISPLAY: 'none' },
  });
}

test('the printed sftp line uploads a file; the object, its trace and its job are shown', async () => {
  const { dev, command } = await startDev();
  const bytes = randomBytes(6 * 1024 * 1024);
  await writeFile(join(folder, 'report.bin'), bytes);
  const uploaded = await type(command, 'put report.bin', 'get report.bin back.bin');
  expect(uploaded.stderr).toBe('');
  expect(uploaded.code).toBe(0);
  const digest = (buffer: Buffer) => createHash('sha256').update(buffer).digest('hex');
  expect(digest(await readFile(join(folder, 'back.bin')))).toBe(digest(bytes));

  expect(await dev.line((line) => line.startsWith('stored'))).toMatch(
    /^stored \/report\.bin: 6\.0 MiB in \d+\.\d\d s \(\d+\.\d [KM]iB\/s\)$/,
  );
  await dev.line((line) => line.includes('s3://sluice-dev/tenants/demo/report.bin'));
  for (const span of ['sluice.upload', 'backend.write_chunk', 'backend.finish_write', 'sqs.send']) {
    expect(await dev.line((line) => line.trim().startsWith(span))).toMatch(/━+ +\d+\.\d ms/);
  }
  await dev.line((line) => line.includes('"type": "sluice.upload.finished.v1"'));
  const { traceparent } = JSON.parse(
    `{${await dev.line((line) => line.includes('"traceparent"'))} "x": 0}`,
  ) as {
    traceparent: string;
  };
  expect(await dev.line((line) => line.includes('  trace   '))).toContain(traceparent.split('-')[1]);

  dev.kill('SIGINT');
  expect(await dev.exited).toMatchObject({ code: 0, stderr: '' });
});

test('a receiver of traces that was named and is not there is warned of', async () => {
  const { dev, command } = await startDev({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    OTEL_EXPORTER_OTLP_TIMEOUT: '200',
    OTEL_BSP_SCHEDULE_DELAY: '20',
  });
  await writeFile(join(folder, 'small'), 'small');
  expect(await type(command, 'put small')).toMatchObject({ code: 0 });
  expect(await dev.line((line) => line.startsWith('warning'))).toContain('telemetry is not exported');
  dev.kill('SIGINT');
  expect(await dev.exited).toMatchObject({ code: 0 });
});

test('the printed console shows what happens; a second one stands on another port', async () => {
  const [first, second] = [await startDev(), await startDev()];
  const urls = await Promise.all(
    [first, second].map(async ({ dev }) => (await dev.line((line) => line.startsWith('Console: '))).slice(9)),
  );
  for (const url of urls) expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(new Set(urls).size).toBe(2);
  const stream = await EventStream.open(urls[1] ?? '');
  const { data } = await stream.event(({ name }) => name === 'state');
  expect(data.about).toMatchObject({ service: 'sluice', backend: 's3' });
  await writeFile(join(folder, 'seen.txt'), 'seen');
  await type(second.command, 'put seen.txt');
  const update = await stream.update(({ ended }) => ended?.length > 0);
  expect(update.ended).toMatchObject([{ path: '/seen.txt', result: 'ok', bytes: 4 }]);
  for (const { dev } of [first, second]) {
    dev.kill('SIGINT');
    expect(await dev.exited).toMatchObject({ code: 0, stderr: '' });
  }
  await stream.closed;
});

test('the printed consumer line starts the example, which does the work of each job', async () => {
  const { dev, command } = await startDev();
  const line = await dev.line((text) => text.trim().startsWith('CONSUMER_QUEUE_URL='));
  const consumer = new Running('sh', ['-c', `exec env ${line}`], { ownGroup: true });
  await consumer.line((text) => text.includes('"msg":"receiving"'));
  await writeFile(join(folder, 'lines.txt'), 'a\nb\n');
  await type(command, 'put lines.txt');
  const done = await consumer.line((text) => text.includes('"msg":"processed"'));
  expect(JSON.parse(done)).toMatchObject({ bucket: 'sluice-dev', key: 'tenants/demo/lines.txt', size: 4 });
  // As Ctrl-C does: the terminal sends it to npm and the consumer, and npm passes its own on.
  consumer.killGroup('SIGINT');
  expect(await consumer.exited).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/"msg":"stopped"}$/),
  });
  dev.kill('SIGINT');
  expect(await dev.exited).toMatchObject({ code: 0, stderr: '' });
});

test('the users document that it made may be changed, and a refused upload is shown as not stored', async () => {
  const usersFile = join(folder, '.sluice/users.json');
  const { users } = JSON.parse(await readFile(usersFile, 'utf8')) as { users: object[] };
  await writeFile(usersFile, JSON.stringify({ users: [{ ...users[0], permissions: ['list'] }] }));
  const { dev, command } = await startDev();
  await writeFile(join(folder, 'small'), 'x');
  expect((await type(command, 'put small /refused')).stderr).toContain('Permission denied');
  expect(await dev.line((line) => line.startsWith('not stored'))).toContain('/refused');
  dev.kill('SIGTERM');
  expect(await dev.exited).toMatchObject({ code: 0 });
});

test('a port that was asked for and is taken is a failure that names it', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const options = { cwd: folder, env: { SLUICE_PORT: String(port) } };
  const { code, stderr } = await run(process.execPath, [MAIN, 'dev'], options);
  taken.close();
  expect(code).toBe(1);
  expect(stderr).toContain(`EADDRINUSE: address already in use 127.0.0.1:${port}`);
});

test('a second run has the same host key, so that no client takes it for another server', async () => {
  const first = await readFile(join(folder, '.sluice/host-keys/ssh_host_ed25519_key.pub'), 'utf8');
  const { dev, command } = await startDev();
  expect(await type(command, 'pwd')).toMatchObject({ code: 0 });
  expect(await readFile(join(folder, '.sluice/host-keys/ssh_host_ed25519_key.pub'), 'utf8')).toBe(first);
  dev.kill('SIGINT');
  await dev.exited;
});

test('it has its own host keys and users, whichever secrets the environment names', async () => {
  const { dev, command } = await startDev({ SLUICE_HOST_KEYS_SECRET: 'keys', SLUICE_USERS_SECRET: 'users' });
  expect(await type(command, 'pwd')).toMatchObject({ code: 0 });
  dev.kill('SIGINT');
  await dev.exited;
});
