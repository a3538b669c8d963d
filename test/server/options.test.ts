import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createServer,
  folderBackend,
  generateHostKey,
  memoryBackend,
  OptionsError,
  s3Backend,
} from '../../src/index.ts';

let folder: string;
let hostKeys: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-options-'));
  hostKeys = await generateHostKey();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What is wrong with options that are otherwise right. */
async function faultsOf(options: object): Promise<readonly string[]> {
  const right = { backend: memoryBackend(), auth: async () => undefined, hostKeys };
  const made = createServer({ ...right, ...options } as Parameters<typeof createServer>[0]);
  const error = await made.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OptionsError);
  expect(error).toBeInstanceOf(TypeError);
  return (error as OptionsError).faults;
}

test('all faults are told at once, each with the name of its option', async () => {
  const options = { backend: {}, auth: 'everybody', hostKeys: [], maxSessions: 0, jobs: {}, colour: 'red' };
  const faults = await faultsOf(options);
  expect(faults.map((fault) => fault.split(':')[0]).sort()).toEqual(
    ['auth', 'backend', 'colour', 'hostKeys', 'jobs', 'maxSessions'].sort(),
  );
});

const WRONG: readonly (readonly [object, RegExp])[] = [
  [
    { backend: undefined },
    /^backend: it must be a backend: an object with name, listDir, .*custom-backend\.md\)$/,
  ],
  [{ backend: { name: 'half', readFile() {} } }, /^backend: it lacks listDir, fileInfo, /],
  [{ backend: './no-such.js' }, /^backend: the module \.\/no-such\.js cannot be imported: /],
  [
    { backend: s3Backend({ bucket: 'b', prefix: 'session:' }) },
    /^backend\.prefix: must name a session attribute/,
  ],
  [{ backend: { kind: 's3', options: {} } }, /^backend\.bucket: is required/],
  [
    { backend: s3Backend({ bucket: 'b', assumeRole: { roleArn: 'x' } }) },
    /^backend\.assumeRole\.roleArn: must be the ARN of a role/,
  ],
  [
    { backend: { kind: 's3', options: { bucket: 'b', aws: { endpoint: 'x' } } } },
    /^backend\.aws\.endpoint: must be an http/,
  ],
  [{ backend: folderBackend({ root: '', staleUploadHours: 1 }) }, /^backend\.root: is required/],
  [
    { backend: folderBackend({ root: '/', staleUploadHours: -1 }) },
    /^backend\.staleUploadHours: must be a whole number from 0 to/,
  ],
  [
    { jobs: { queueUrl: 'http://q', everyObject: true }, backend: folderBackend({ root: '/' }) },
    /^jobs\.everyObject: needs s3/,
  ],
  [{ auth: { users: [{ username: 'ali' }] } }, /^auth: users\[0\] \("ali"\) has neither passwordHash nor/],
  [{ auth: { usersFile: '/no/such/file' } }, /^auth: usersFile: it cannot be read: ENOENT/],
  [{ auth: { authenticate: 'no' } }, /^auth: must be a function that answers/],
  [{ hostKeys: 'ssh-ed25519 AAAA' }, /^hostKeys\[0\]: is not a usable private key/],
  [{ hostKeys: { folder: '/no/such/folder' } }, /^hostKeys\[0\]: the folder of host keys cannot be read/],
  [{ hostKeys: undefined }, /^hostKeys: must be the text of a private key, .* generateHostKey\(\)$/],
  [{ jobs: { queueUrl: 'jobs' } }, /^jobs\.queueUrl: must be an http\(s\) URL$/],
  [{ jobs: { publish: 'x' } }, /^jobs\.publish: must be a function$/],
  [{ jobs: { queueUrl: 'http://q', everyObject: true } }, /^jobs\.everyObject: needs s3Backend/],
  [{ sidecar: 'done' }, /^sidecar: needs jobs/],
  [{ reportsRenames: true }, /^reportsRenames: needs jobs/],
  [
    { sidecar: 'done', duplicates: 'version', jobs: { publish() {} } },
    /^sidecar: needs duplicates to be overwrite or reject/,
  ],
  [{ temporaryNames: ['*'] }, /^temporaryNames: must be an array of patterns/],
  [{ duplicates: 'keep' }, /^duplicates: must be one of: overwrite, reject, version$/],
  [{ memoryBudgetBytes: 1 }, /^memoryBudgetBytes: must be a whole number from 16777216 to /],
  [{ memoryBudgetBytes: 16_777_216.5 }, /^memoryBudgetBytes: must be a whole number/],
  [{ spool: true }, /^spool: must be \{ folder, bytes \} or false$/],
  [{ loginGraceSeconds: '60' }, /^loginGraceSeconds: must be a whole number from 1 to 3600$/],
  [{ trustedProxies: ['10.0.0.0/64'] }, /^trustedProxies: must be an array of subnets/],
  [{ log: console.log }, /^log: must have the functions debug, info, warn and error/],
  [{ tracer: {} }, /^tracer: must be a tracer of the OpenTelemetry API$/],
];

test.each(WRONG)('%j is refused with what would be right', async (options, fault) => {
  expect(await faultsOf(options)).toEqual([expect.stringMatching(fault)]);
});

test('every key that cannot be used is told, and none is shown', async () => {
  const broken = hostKeys.replace(/\n(\w{8})\w{8}/, '\n$1AAAAAAAA');
  const faults = await faultsOf({ hostKeys: [broken, hostKeys, 'x'] });
  expect(faults.map((fault) => fault.slice(0, 12))).toEqual(['hostKeys[0]:', 'hostKeys[2]:']);
  expect(faults.join()).not.toContain(broken.split('\n')[1]);
});

describe('what may be left out', () => {
  test('may be undefined too', async () => {
    const server = await createServer({
      backend: memoryBackend(),
      auth: async () => undefined,
      hostKeys: [hostKeys],
      jobs: undefined,
      log: undefined,
      spool: undefined,
      maxSessions: undefined,
    });
    await server.close();
  });

  test('of listening and closing is held to its limits', async () => {
    const server = await createServer({ backend: memoryBackend(), auth: async () => undefined, hostKeys });
    await expect(server.listen({ port: 65_536 })).rejects.toThrow(
      'port: must be a whole number from 0 to 65535',
    );
    expect(() => server.close({ drainSeconds: -1 })).toThrow('drainSeconds: must be a whole number');
    await server.close();
  });
});

test('users are read from a file, host keys from a folder', async () => {
  await writeFile(join(folder, 'users.json'), '{"users":[]}');
  await writeFile(join(folder, 'ssh_host_ed25519_key'), hostKeys);
  await rm(join(folder, 'users.json.bak'), { force: true });
  const keys = await mkdtemp(join(folder, 'keys-'));
  await writeFile(join(keys, 'key'), hostKeys);
  const auth = { usersFile: join(folder, 'users.json') };
  const server = await createServer({ backend: memoryBackend(), auth, hostKeys: { folder: keys } });
  expect(server.hostKeys).toHaveLength(1);
  await server.close();
});
