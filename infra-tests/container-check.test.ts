import { execFile } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { containerCheck } from '../cdk/container-check.ts';
import { type HealthServer, startHealthServer } from '../src/health.ts';

let health: HealthServer | undefined;
afterEach(async () => {
  await health?.close();
  health = undefined;
});

function startHealth(): Promise<HealthServer> {
  return startHealthServer({
    host: '127.0.0.1',
    port: 0,
    isReady: () => false,
    takesProxyHeaders: true,
    answerScrape: undefined,
  });
}

/** The exit code. */
function run([command = '', ...args]: readonly string[]): Promise<unknown> {
  return new Promise((resolve) => {
    execFile(command, args, (error) => resolve(error === null ? 0 : error.code));
  });
}

test('a process that lives is well, whether it takes uploads or not', async () => {
  health = await startHealth();
  expect(await run(containerCheck(health.port))).toBe(0);
});

test('one that does not listen, or says anything else, is not', async () => {
  health = await startHealth();
  const { port } = health;
  const elsewhere = containerCheck(port).map((part) => part.replace('/livez', '/readyz'));
  expect(await run(elsewhere)).toBe(1);
  await health.close();
  expect(await run(containerCheck(port))).toBe(1);
});
