import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { Cleanup } from '../../bench/cleanup.ts';
import { run, startServer } from '../../bench/processes.ts';

test('everything is undone, the latest first, once', async () => {
  const cleanup = new Cleanup();
  const undone: string[] = [];
  cleanup.add(() => void undone.push('first'));
  const early = cleanup.add(() => void undone.push('early'));
  cleanup.add(() => void undone.push('last'));
  await early();
  await cleanup.run();
  await cleanup.run();
  expect(undone).toEqual(['early', 'last', 'first']);
});

test('what work has of its own is undone when it ends, well or not, or when everything is', async () => {
  const cleanup = new Cleanup();
  const undone: string[] = [];
  expect(await cleanup.within(async (own) => own.add(() => void undone.push('done')) && 1)).toBe(1);
  const failing = cleanup.within(async (own) => {
    own.add(() => void undone.push('failed'));
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  void cleanup.within((own) => {
    own.add(() => void undone.push('cut'));
    return new Promise(() => undefined);
  });
  await cleanup.run();
  expect(undone).toEqual(['done', 'failed', 'cut']);
});

test('a temporary folder and a server process are gone afterwards', async () => {
  const cleanup = new Cleanup();
  const { path } = await cleanup.folder(tmpdir());
  const server = await startServer(
    {
      command: process.execPath,
      args: ['-e', 'console.log("up"); setInterval(() => {}, 1000)'],
      ready: (line) => (line === 'up' ? true : undefined),
    },
    cleanup,
  );
  expect(existsSync(path)).toBe(true);
  process.kill(server.pid, 0);
  await cleanup.run();
  expect(existsSync(path)).toBe(false);
  expect(() => process.kill(server.pid, 0)).toThrow(/ESRCH/);
});

test('a server that does not start is reported with what it wrote', async () => {
  const script = 'console.error("port taken"); process.exit(3)';
  const starting = startServer(
    { command: process.execPath, args: ['-e', script], ready: () => undefined },
    new Cleanup(),
  );
  await expect(starting).rejects.toThrow(/ended with 3[\s\S]*port taken/);
});

test('a command that fails rejects with what it wrote', async () => {
  const script = 'console.error("no such file"); process.exit(1)';
  const running = run({ command: process.execPath, args: ['-e', script] }, new Cleanup());
  await expect(running).rejects.toThrow(/failed with 1: no such file/);
});
