import { expect, test } from 'vitest';
import { run } from '../support/processes.ts';

const MODULE = new URL('../../src/telemetry/logger.ts', import.meta.url).href;

/** What a process of its own writes. */
async function write(statements: string): Promise<Record<string, unknown>[]> {
  const script = `import { createLogger } from '${MODULE}'; const log = createLogger('info'); ${statements}`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('a field that holds a secret by its name is not shown, at the top or one level down', async () => {
  const names = [
    'password',
    'passwordHash',
    'privateKey',
    'authorization',
    'secretAccessKey',
    'sessionToken',
  ];
  const secrets = Object.fromEntries(names.map((name) => [name, 'hush']));
  const [line] = await write(
    `log.info({ user: 'acme', ...${JSON.stringify(secrets)}, attempt: ${JSON.stringify(secrets)} }, 'careless');`,
  );
  expect(line).toMatchObject({ user: 'acme', msg: 'careless', level: 'info', service: 'sluice' });
  for (const name of names) expect(line?.[name]).toBe('[redacted]');
  expect(JSON.stringify(line)).not.toContain('hush');
});

test('an error of the AWS SDK is written without its request and its answer', async () => {
  const [line] = await write(`
    const cause = Object.assign(new Error('inner'), { $response: { headers: { 'x-amz-security-token': 'hush' } } });
    const err = Object.assign(new Error('outer', { cause }), {
      $metadata: { httpStatusCode: 403, requestId: 'id' },
      request: { headers: { authorization: 'hush' } },
    });
    log.error({ err }, 'failed');
  `);
  expect(line?.['err']).toMatchObject({
    message: 'outer',
    httpStatusCode: 403,
    requestId: 'id',
    cause: { message: 'inner' },
  });
  expect(JSON.stringify(line)).not.toContain('hush');
});

test('a name in a line is never the end of the line, nor a command to a terminal', async () => {
  const name = 'a\u2028b\u2029c\u0085d\u009b31m\x7f\r\n\x0b\x1b[2J';
  const statement = `log.info({ path: ${JSON.stringify(name)} }, 'named');`;
  const script = `import { createLogger } from '${MODULE}'; const log = createLogger('info'); ${statement}`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  expect(JSON.parse(stdout)).toMatchObject({ path: name });
  expect(stdout.trimEnd()).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
});
