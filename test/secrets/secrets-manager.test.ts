import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSecretReader, SecretError } from '../../src/secrets/secrets-manager.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../support/s3-subject.ts';
import { type SecretsServer, startSecretsServer } from '../support/secrets-manager.ts';

let server: SecretsServer;
let proxy: FaultProxy;

beforeEach(async () => {
  server = await startSecretsServer();
  proxy = await startFaultProxy(server.endpoint);
});
afterEach(async () => {
  await proxy.close();
  await server.close();
});

const variable = 'SLUICE_USERS_SECRET';

function reader(secretId: string, patienceMs?: number, endpoint = proxy.endpoint) {
  const aws = { endpoint, region: TEST_REGION, credentials: TEST_CREDENTIALS };
  return createSecretReader({ kind: 'secret', variable, secretId, aws }, patienceMs);
}

/** What it says of a secret that cannot be read. */
async function problemOf(reading: Promise<string>): Promise<string> {
  const error = await reading.then(() => undefined).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(SecretError);
  return (error as SecretError).message;
}

describe('a secret', () => {
  test('is read by its name, and by its ARN', async () => {
    const arn = server.put('sluice/users', 'text of äny kind\n');
    expect(await reader('sluice/users')()).toBe('text of äny kind\n');
    expect(await reader(arn)()).toBe('text of äny kind\n');
  });

  test('is read anew each time', async () => {
    const read = reader('users');
    server.put('users', 'one');
    expect(await read()).toBe('one');
    server.put('users', 'two');
    expect(await read()).toBe('two');
  });

  test.each([
    ['503', { respond: { status: 503, body: '{"__type":"ServiceUnavailable"}' } }],
    ['400 ThrottlingException', { respond: { status: 400, body: '{"__type":"ThrottlingException"}' } }],
    ['a connection that breaks', { reset: 'response' }],
  ] as const)('is asked for again after %s', async (_, fault) => {
    server.put('users', 'one');
    proxy.fault({ target: 'secretsmanager.GetSecretValue', times: 1, ...fault });
    expect(await reader('users')()).toBe('one');
    expect(proxy.requests).toHaveLength(2);
  });
});

describe('a secret that cannot be read is told by its variable and its name', () => {
  test('when there is none', async () => {
    const problem = await problemOf(reader('users')());
    expect(problem).toBe('SLUICE_USERS_SECRET: the secret users does not exist, or has no value yet');
  });

  test('when it may not be read, with the permission that is missing', async () => {
    server.put('users', 'one');
    server.deny('users');
    expect(await problemOf(reader('users')())).toMatch(
      /^SLUICE_USERS_SECRET: not allowed to read the secret users \(secretsmanager:GetSecretValue, kms:Decrypt\): User: arn/,
    );
  });

  test('when it is not text', async () => {
    server.put('users', Buffer.from('one'));
    const problem = await problemOf(reader('users')());
    expect(problem).toBe('SLUICE_USERS_SECRET: the secret users is binary; it has to be text (SecretString)');
  });

  test.each([
    ['InvalidRequestException', 'the secret users cannot be read as it is (is it to be deleted?): Be cause.'],
    ['DecryptionFailure', 'the secret users cannot be decrypted with its key: Be cause.'],
    [
      'UnrecognizedClientException',
      'the secret users cannot be read: UnrecognizedClientException: Be cause.',
    ],
  ])('when Secrets Manager answers %s', async (type, problem) => {
    proxy.fault({
      respond: { status: 400, body: JSON.stringify({ __type: type, Message: 'Be\n  cause.' }) },
    });
    expect(await problemOf(reader('users')())).toBe(`SLUICE_USERS_SECRET: ${problem}`);
  });

  test('when nobody listens there', async () => {
    await proxy.close();
    expect(await problemOf(reader('users')())).toMatch(
      /^SLUICE_USERS_SECRET: the secret users cannot be read: .*ECONNREFUSED/,
    );
    proxy = await startFaultProxy(server.endpoint);
  });

  test('when there is no answer in time, however many attempts that would take', async () => {
    server.put('users', 'one');
    proxy.fault({ hang: 'request' });
    expect(await problemOf(reader('users', 300)())).toBe(
      'SLUICE_USERS_SECRET: the secret users cannot be read: Secrets Manager has not answered within 0.3 s',
    );
    await proxy.waitFor(({ aborted }) => aborted);
  });

  test('when the answer stops in the middle', async () => {
    const silent = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).write('{"SecretString":"o');
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    expect(await problemOf(reader('users', 300, `http://127.0.0.1:${port}`)())).toMatch(
      /has not answered within 0\.3 s$/,
    );
    silent.closeAllConnections();
    silent.close();
  });
});
