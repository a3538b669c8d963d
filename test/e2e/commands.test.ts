import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyPassword } from '../../src/auth/passwords.ts';
import { Running, run } from '../support/processes.ts';
import {
  BUCKET,
  COMMAND,
  createSurroundings,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';

let around: Surroundings;

beforeAll(async () => {
  around = await createSurroundings();
});
afterAll(() => around?.close());

/** A command to its end, with exactly this environment. */
function sluice(args: readonly string[], options: Parameters<typeof run>[2] = {}) {
  return run(process.execPath, [...COMMAND, ...args], options);
}

/** `sluice serve` in these surroundings, some variables changed or, if empty, taken away. */
function serve(changes: Readonly<Record<string, string>>) {
  return sluice(['serve'], { env: { ...around.env, ...changes } });
}

test('the heap may grow to three times what is alive before V8 collects all of it', async () => {
  const { stdout } = await run(process.execPath, ['--trace-gc-verbose', ...COMMAND, 'doctor'], { env: {} });
  const factors = [...stdout.matchAll(/\[HeapController\] Limit: .*\((.*)\)/g)].map(([, factor]) => factor);
  expect([...new Set(factors)]).toEqual(['3.0']);
});

describe('sluice serve with something wrong', () => {
  test('names every missing and wrong variable at once and exits with 2', async () => {
    const { code, stderr } = await sluice(['serve'], {
      env: { SLUICE_PORT: '99999', SLUICE_LOG_LEVEL: 'loud', SLUICE_WORKERS: '0' },
    });
    expect(code).toBe(2);
    expect(stderr.trim().split('\n')).toEqual([
      'sluice: SLUICE_PORT: must be a whole number from 0 to 65535',
      'sluice: SLUICE_WORKERS: must be a whole number from 1 to 64',
      'sluice: SLUICE_LOG_LEVEL: must be one of: trace, debug, info, warn, error, fatal, silent',
      'sluice: SLUICE_HOST_KEYS_DIR: is required: a folder of private keys; make one with: sluice host-key; or SLUICE_HOST_KEYS_SECRET: a secret that holds them',
      'sluice: SLUICE_USERS_FILE: is required: the users document, the JSON file that says who may log in; or SLUICE_USERS_SECRET: a secret that holds it; or SLUICE_USERS_SECRET_PREFIX: the names of secrets that hold one user each, but for the user; or SLUICE_AUTH_URL: a webhook that is asked; or SLUICE_AUTH_MODULE: a module that is asked',
      'sluice: SLUICE_BUCKET: is required for the s3 backend: the name of the bucket that files go into',
    ]);
  });

  test('says which user and which field of the users document', async () => {
    const file = around.workspace.path('bad-users.json');
    await writeFile(
      file,
      JSON.stringify({ users: [{ username: 'a', publicKeys: ['ssh-dss AAAA'] }, { username: 'b' }] }),
    );
    const { code, stderr } = await serve({ SLUICE_USERS_FILE: file });
    expect(code).toBe(2);
    expect(stderr).toContain('users[0] ("a") publicKeys.0: has a type that is not accepted; accepted are');
    expect(stderr).toContain('users[1] ("b") has neither passwordHash nor publicKeys');
  });

  test('says which host key cannot be used, and reports the users document in the same breath', async () => {
    const folder = around.workspace.path('bad-keys');
    await mkdir(folder);
    await writeFile(`${folder}/ssh_host_rsa_key`, 'not a key');
    const { code, stderr } = await serve({ SLUICE_HOST_KEYS_DIR: folder, SLUICE_USERS_FILE: '/nonexistent' });
    expect(code).toBe(2);
    expect(stderr).toContain(`${folder}/ssh_host_rsa_key is not a usable private key`);
    expect(stderr).toContain('sluice: SLUICE_USERS_FILE: it cannot be read: ENOENT');
    expect(stderr).toContain('/nonexistent');
  });

  test('says that the bucket, or the queue, does not exist and exits with 1', async () => {
    const queue = around.env['SLUICE_QUEUE_URL'] ?? '';
    const { code, stderr } = await serve({
      SLUICE_BUCKET: 'elsewhere',
      SLUICE_QUEUE_URL: `${queue}-missing`,
    });
    expect(code).toBe(1);
    expect(stderr).toContain('the bucket "elsewhere" does not exist (SLUICE_BUCKET)');
    expect(stderr).toContain('-missing does not exist (SLUICE_QUEUE_URL)');
  });

  test('says that a port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const { code, stderr } = await serve({ SLUICE_PORT: port });
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toContain('EADDRINUSE');
    expect(stderr).toContain(port);
  });

  test('keeps trying while the bucket cannot be reached, is not ready meanwhile, and then serves', async () => {
    const proxied = await startHole();
    const running = new Running(process.execPath, [...COMMAND, 'serve'], {
      env: { ...around.env, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${proxied.port}` },
    });
    await running.line((line) => line.includes('cannot be reached'));
    proxied.leadTo(Number(new URL(around.s3.endpoint).port));
    await running.line((line) => line.includes('"listening"'));
    running.kill('SIGTERM');
    expect(await running.exited).toMatchObject({ code: 0 });
  });

  test('does not wait for the queue: what it would take waits in the outbox', async () => {
    const proxied = await startHole();
    const service = await startService({
      ...around.env,
      AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${proxied.port}`,
    });
    const running = service.running.lines.filter((line) => line.includes('cannot be reached'));
    expect(running).toEqual([expect.stringContaining('wait in the outbox')]);
    const upload = [`put ${around.workspace.identity} /without-queue`];
    expect(await sftp(service, around.workspace, upload)).toMatchObject({ code: 0 });
    proxied.leadTo(Number(new URL(around.sqs.endpoint).port));
    await around.job('/without-queue');
    await service.stop();
  });

  test('can be stopped while it waits for the bucket', async () => {
    const running = new Running(process.execPath, [...COMMAND, 'serve'], {
      env: { ...around.env, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' },
    });
    await running.line((line) => line.includes('cannot be reached'));
    running.kill('SIGTERM');
    expect(await running.exited).toMatchObject({ code: 0 });
  });

  test('warns of a variable that looks misspelt', async () => {
    const service = await startService({ ...around.env, SLUICE_BUKET: 'x' });
    expect(service.logged('no such variable; is it misspelt?')).toMatchObject([{ name: 'SLUICE_BUKET' }]);
    await service.stop();
  });
});

describe('npm run sluice -- serve', () => {
  test('passes SIGTERM on to the server, which stops cleanly', async () => {
    const running = new Running('npm', ['run', '--silent', 'sluice', '--', 'serve'], { env: around.env });
    const { port } = JSON.parse(await running.line((line) => line.includes('"listening"'))) as {
      port: number;
    };
    expect(await sftp({ port }, around.workspace, ['pwd'])).toMatchObject({ code: 0 });
    running.kill('SIGTERM');
    await running.exited;
    expect(running.lines.at(-1)).toContain('"stopped"');
    await expect(
      new Promise((resolve, reject) =>
        connect(port, '127.0.0.1', () => resolve('open')).once('error', reject),
      ),
    ).rejects.toThrow('ECONNREFUSED');
  });
});

describe('sluice hash-password', () => {
  test('prints the argon2id hash of the line on its standard input', async () => {
    const { code, stdout } = await sluice(['hash-password'], { input: 'secret word\n' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\$argon2id\$/);
    expect(await verifyPassword(stdout.trim(), 'secret word')).toBe(true);
  });

  test('refuses an empty password', async () => {
    expect(await sluice(['hash-password'], { input: '\n' })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'sluice: the password is empty\n',
    });
  });
});

describe('sluice host-key', () => {
  test('writes three keys that only their owner can read, with the fingerprints that ssh-keygen shows', async () => {
    const folder = around.workspace.path('new-keys');
    const { code, stdout } = await sluice(['host-key', folder]);
    expect(code).toBe(0);
    const files = (await readdir(folder)).sort();
    expect(files).toEqual([
      'ssh_host_ecdsa_key',
      'ssh_host_ecdsa_key.pub',
      'ssh_host_ed25519_key',
      'ssh_host_ed25519_key.pub',
      'ssh_host_rsa_key',
      'ssh_host_rsa_key.pub',
    ]);
    for (const name of files.filter((file) => !file.endsWith('.pub'))) {
      expect((await stat(`${folder}/${name}`)).mode & 0o777).toBe(0o600);
      const listed = await run('ssh-keygen', ['-l', '-f', `${folder}/${name}.pub`]);
      expect(stdout).toContain(listed.stdout.split(' ')[1]);
    }
  });

  test('never overwrites a key', async () => {
    const folder = around.workspace.path('new-keys');
    const before = await readFile(`${folder}/ssh_host_rsa_key`);
    const { code, stderr } = await sluice(['host-key', folder]);
    expect(code).toBe(2);
    expect(stderr).toContain('nothing was written');
    expect(await readFile(`${folder}/ssh_host_rsa_key`)).toEqual(before);
  });
});

describe('sluice doctor', () => {
  test('reports each thing that it has checked, and 0 when all is well', async () => {
    const SLUICE_FAILURE_QUEUE_URL = around.env['SLUICE_QUEUE_URL'] ?? '';
    const { code, stdout } = await sluice(['doctor'], { env: { ...around.env, SLUICE_FAILURE_QUEUE_URL } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {3}bucket {9}reachable$/m);
    expect(stdout).toMatch(/^ok {3}queue {10}reachable$/m);
    expect(stdout).toMatch(/^ok {3}failure queue {2}reachable$/m);
    expect(stdout).toMatch(/^ok {3}host key {7}ssh-ed25519 SHA256:/m);
  });

  test('says what waits in the outbox, and that what was set aside is to be looked at', async () => {
    const { code, stdout } = await sluice(['doctor'], { env: around.env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {3}outbox {9}empty$/m);
    for (const key of ['outbox/1.json', 'outbox/2.json', 'refused/1.json']) {
      around.s3.seed(BUCKET, `.sluice/${key}`, '{}');
    }
    const later = await sluice(['doctor'], { env: around.env });
    expect(later.code).toBe(1);
    expect(later.stdout).toMatch(/^ok {3}outbox {9}2 events to be sent$/m);
    expect(later.stdout).toMatch(/^FAIL outbox {9}1 event set aside: see docs\/jobs\.md$/m);
  });

  test('says what is wrong with the bucket, and exits with 1', async () => {
    const { code, stdout } = await sluice(['doctor'], { env: { ...around.env, SLUICE_BUCKET: 'elsewhere' } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL bucket {9}the bucket "elsewhere" does not exist/m);
  });
});

test('sluice without a command, or with an unknown one, explains itself', async () => {
  expect((await sluice([])).stderr).toContain('serve');
  const { code, stderr } = await sluice(['server']);
  expect(code).not.toBe(0);
  expect(stderr).toContain("unknown command 'server'");
});

/** A port that drops every connection until it is led to another one. */
async function startHole(): Promise<{ readonly port: number; leadTo(port: number): void }> {
  let target: number | undefined;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (target === undefined) return void socket.destroy();
    const onward = connect(target, '127.0.0.1');
    onward.on('error', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  server.unref().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    leadTo: (port) => {
      target = port;
    },
  };
}
