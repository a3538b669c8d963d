import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startEcsAgent } from '../support/ecs-agent.ts';
import { Running, run } from '../support/processes.ts';
import {
  BUCKET,
  COMMAND,
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';

let around: Surroundings;
let service: Service;

beforeAll(async () => {
  around = await createSurroundings();
  await writeFile(local('small'), 'small');
});
afterEach(async () => {
  around.s3.clearFaults();
  await service?.stop();
});
afterAll(async () => {
  await around?.close();
});

const local = (name: string) => around.workspace.path(name);
const stored = (path: string) =>
  around.s3
    .objects(BUCKET)
    .get(PREFIX + path)
    ?.body?.toString();
const put = (path: string) => sftp(service, around.workspace, [`put ${local('small')} ${path}`]);
const status = async (path: string) => (await fetch(`http://127.0.0.1:${service.healthPort}${path}`)).status;

const busyWorkers = () => [...new Set(service.logged('authenticated').map(({ worker }) => worker))].sort();

async function start(workers: number, env: Readonly<Record<string, string>> = {}): Promise<void> {
  service = await startService({ ...around.env, SLUICE_WORKERS: String(workers), ...env });
  for (let worker = 1; worker <= workers; worker++) await listens(worker);
}

/** The process of a worker, once it listens. */
async function listens(worker: number): Promise<number> {
  const { pid } = await service.log(
    (line) => line['msg'] === 'worker listening' && line['worker'] === worker,
  );
  return Number(pid);
}

test('workers share a port: each takes its turn, and uploads become objects and jobs', async () => {
  await start(2);
  expect(service.logged('listening')).toHaveLength(1);
  for (const name of ['a', 'b', 'c', 'd']) expect((await put(`/${name}`)).code).toBe(0);
  for (const name of ['a', 'b', 'c', 'd']) {
    await around.job(`/${name}`);
    expect(stored(name)).toBe('small');
  }
  expect(busyWorkers()).toEqual([1, 2]);
  expect([await status('/livez'), await status('/readyz')]).toEqual([200, 200]);
  expect(await service.stop()).toMatchObject({ code: 0, signal: null });
  expect(
    service
      .logged('stopped')
      .map(({ worker }) => worker)
      .sort(),
  ).toEqual([1, 2, undefined]);
});

test('who comes as soon as the service says that it listens finds all of them', async () => {
  service = await startService({ ...around.env, SLUICE_WORKERS: '2' });
  const [one, two] = await Promise.all([put('/first'), put('/second')]);
  expect([one?.code, two?.code]).toEqual([0, 0]);
  expect(busyWorkers()).toEqual([1, 2]);
});

test('a worker that dies is replaced; its upload fails visibly, and leaves nothing', async () => {
  await start(2);
  const hold = around.s3.fault({ operation: 'PutObject', key: `${PREFIX}lost`, hang: 'request' });
  const uploading = put('/lost');
  await hold.reached();
  const { worker } = await service.log(({ msg }) => msg === 'authenticated');
  process.kill(await listens(Number(worker)), 'SIGKILL');
  expect((await uploading).code).not.toBe(0);
  // What S3 has whole it may store, whoever has sent it: the connection has to be gone before it goes on.
  await around.s3.waitFor(({ key, aborted }) => key === `${PREFIX}lost` && aborted);
  hold.release();
  expect(await service.log(({ signal }) => signal === 'SIGKILL')).toMatchObject({ level: 'error', worker });
  await listens(3);
  expect(stored('lost')).toBeUndefined();
  for (const name of ['after-1', 'after-2']) expect((await put(`/${name}`)).code).toBe(0);
});

test('all of them finish what is in progress when the service is to stop, and take nothing new', async () => {
  await start(2);
  const holds = ['one', 'two'].map((name) =>
    around.s3.fault({ operation: 'PutObject', key: PREFIX + name, hang: 'request' }),
  );
  const uploading = [put('/one'), put('/two')];
  for (const hold of holds) await hold.reached();
  service.running.kill('SIGTERM');
  for (const worker of [1, 2]) {
    await service.log((line) => String(line['msg']).startsWith('draining') && line['worker'] === worker);
  }
  expect(await status('/readyz')).toBe(503);
  const late = connect(service.port, '127.0.0.1');
  late.on('error', () => undefined);
  await new Promise((resolve) => late.once('close', resolve));
  for (const hold of holds) hold.release();
  for (const each of uploading) expect((await each).code).toBe(0);
  expect(await service.running.exited).toMatchObject({ code: 0, signal: null });
  expect([stored('one'), stored('two')]).toEqual(['small', 'small']);
});

test('a stop while workers are starting is not waited out', async () => {
  const env = { ...around.env, SLUICE_WORKERS: '2', SLUICE_DRAIN_SECONDS: '600' };
  const running = new Running(process.execPath, [...COMMAND, 'serve'], { env });
  await running.line((line) => line.includes('"worker listening"'));
  running.kill('SIGTERM');
  expect(await running.exited).toMatchObject({ code: 0, signal: null });
});

test('what is wrong with the surroundings is said once, and nothing goes on', async () => {
  const env = { ...around.env, SLUICE_WORKERS: '3', SLUICE_BUCKET: 'none-such' };
  const { code, stderr } = await run(process.execPath, [...COMMAND, 'serve'], { env });
  expect(code).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain('none-such');
});

test('the task is protected while any of them has a long upload', async () => {
  const agent = await startEcsAgent();
  await start(2, { ECS_AGENT_URI: agent.uri });
  const hold = around.s3.fault({ operation: 'PutObject', key: `${PREFIX}long`, hang: 'request' });
  const uploading = put('/long');
  await hold.reached();
  await agent.asked(1);
  hold.release();
  expect((await uploading).code).toBe(0);
  await agent.close();
}, 40_000);
