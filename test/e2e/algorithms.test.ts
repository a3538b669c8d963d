import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';

let around: Surroundings;
let services: Record<'modern' | 'compatible', Service>;

beforeAll(async () => {
  around = await createSurroundings({ keyType: 'rsa' });
  const start = (policy: string) =>
    startService({ ...around.env, SLUICE_BACKEND: 'memory', SLUICE_SSH_ALGORITHMS: policy });
  services = { modern: await start('modern'), compatible: await start('compatible') };
});
afterAll(async () => {
  await services?.modern.stop();
  await services?.compatible.stop();
  await around?.close();
});

const pwd = (policy: keyof typeof services, options: readonly string[]) =>
  sftp(
    services[policy],
    around.workspace,
    ['pwd'],
    options.flatMap((option) => ['-o', option]),
  );

describe.each([
  ['key exchange', { kex: 'diffie-hellman-group14-sha1' }, ['KexAlgorithms=diffie-hellman-group14-sha1']],
  ['MACs', { macs: 'hmac-sha1' }, ['MACs=hmac-sha1', 'Ciphers=aes128-ctr']],
  ['host keys', { hostKey: 'ssh-rsa' }, ['HostKeyAlgorithms=ssh-rsa']],
  ['signatures of users', { signature: 'ssh-rsa' }, ['PubkeyAcceptedAlgorithms=ssh-rsa']],
] as const)('a client that knows SHA-1 alone in its %s', (_, negotiated, options) => {
  test('is served by SLUICE_SSH_ALGORITHMS=compatible, and the log tells who it is', async () => {
    expect(await pwd('compatible', options)).toMatchObject({ code: 0 });
    await services.compatible.log(
      (line) =>
        line['msg'] === 'authenticated' &&
        line['user'] === 'acme' &&
        Object.entries(negotiated).every(([name, value]) => line[name] === value),
    );
  });

  test('is not otherwise', async () => {
    expect((await pwd('modern', options)).code).not.toBe(0);
  });
});

describe.each(['modern', 'compatible'] as const)('whatever else the policy is (%s)', (policy) => {
  test.each([
    ['KexAlgorithms=diffie-hellman-group1-sha1'],
    ['Ciphers=aes128-cbc'],
    ['Ciphers=3des-cbc'],
    ['MACs=hmac-md5', 'Ciphers=aes128-ctr'],
  ])('%s is refused', async (...options) => {
    expect((await pwd(policy, options)).code).not.toBe(0);
  });

  test('clients of today find the best', async () => {
    expect(await pwd(policy, [])).toMatchObject({ code: 0 });
    await services[policy].log(
      (line) =>
        line['msg'] === 'authenticated' &&
        line['kex'] === 'curve25519-sha256' &&
        line['hostKey'] === 'ssh-ed25519' &&
        line['ciphers'] === 'chacha20-poly1305@openssh.com' &&
        line['macs'] === 'implicit',
    );
  });
});

test('a handshake that fails is logged with what the client had, and with the policy that would do', async () => {
  const failed = (offered: object) =>
    services.modern.log(
      (line) =>
        line['msg'] === 'handshake failed' &&
        JSON.stringify(line['offered']).includes(JSON.stringify(offered).slice(1, -1)),
    );
  await pwd('modern', ['KexAlgorithms=diffie-hellman-group14-sha1', 'MACs=hmac-sha1,hmac-sha2-512']);
  const old = await failed({ macs: 'hmac-sha1,hmac-sha2-512' });
  expect(old['offered']).toMatchObject({ kex: expect.stringMatching(/^diffie-hellman-group14-sha1,/) });
  expect(old['hint']).toBe('SLUICE_SSH_ALGORITHMS=compatible serves it');
  await pwd('modern', ['Ciphers=aes256-cbc']);
  expect(await failed({ ciphers: 'aes256-cbc' })).not.toHaveProperty('hint');
});

test('the server says at its start that SHA-1 is offered, and otherwise does not', () => {
  const said = (policy: keyof typeof services) =>
    services[policy].running.lines.filter((line) => line.includes('SHA-1 is offered'));
  expect(said('compatible')).toHaveLength(1);
  expect(said('modern')).toEqual([]);
});
