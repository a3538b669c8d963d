import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noise } from '../../src/testing/probe.ts';
import { moduleNamed, type SocketServer, startSocketServer } from '../support/process-backend/start.ts';
import {
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';

let surroundings: Surroundings;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  surroundings = await createSurroundings();
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
  await surroundings?.close();
});

async function serve(backend: string, env: Readonly<Record<string, string>> = {}): Promise<Service> {
  const service = await startService({ ...surroundings.env, SLUICE_BACKEND: backend, ...env });
  closing.push(() => service.stop());
  return service;
}

describe('sluice serve with a backend in another process', () => {
  let server: SocketServer;
  let service: Service;

  beforeAll(async () => {
    server = await startSocketServer('stalling.mjs');
    closing.push(server.close);
    service = await serve(`unix:${server.socket}`);
  });

  test('takes and gives back a file, and sends its job', async () => {
    const { workspace } = surroundings;
    const [local, back] = [workspace.path('local'), workspace.path('back')];
    const bytes = noise(5_000_000);
    await writeFile(local, bytes);
    const commands = [
      `put ${local} /report.csv`,
      'mkdir /in',
      'rename /report.csv /in/report.csv',
      `get /in/report.csv ${back}`,
    ];
    expect(await sftp(service, workspace, commands)).toMatchObject({ code: 0 });
    expect(Buffer.compare(await readFile(back), bytes)).toBe(0);
    const { data } = await surroundings.job('/report.csv');
    expect(data).toMatchObject({ size: 5_000_000, bucket: 'memory', key: 'report.csv' });
  });

  test('fails the upload whose process is killed, leaves nothing of it, and takes the next', async () => {
    const { workspace } = surroundings;
    const local = workspace.path('stalling');
    await writeFile(local, noise(3_000_000));
    const putting = sftp(service, workspace, [`put ${local} /stall`]);
    await server.running.line((line) => line === 'stalled');
    await server.restart();
    expect(await putting).toMatchObject({ code: 1, stderr: expect.stringMatching(/Failure/) });
    const after = await sftp(service, workspace, ['ls -1 /', `put ${local} /next`, 'ls -1 /']);
    expect(after).toMatchObject({ code: 0 });
    const listed = after.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('sftp>'));
    expect(listed.filter((line) => !line.startsWith('Uploading'))).toEqual(['/next']);
  });
});

describe.each(['worker', 'fork'])('sluice serve with SLUICE_BACKEND=%s:MODULE', (form) => {
  test('starts the module, and is healthy while it answers', async () => {
    const { workspace } = surroundings;
    const service = await serve(`${form}:${fileURLToPath(moduleNamed('memory.mjs'))}`);
    const local = workspace.path('small');
    await writeFile(local, 'content');
    expect(await sftp(service, workspace, [`put ${local} /small`, 'ls -1 /'])).toMatchObject({ code: 0 });
    expect((await fetch(`http://127.0.0.1:${service.healthPort}/readyz`)).status).toBe(200);
    expect((await service.stop()).code).toBe(0);
  });
});
