import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SluiceCredentials } from '../cdk/credentials.ts';
import { parseHostKey } from '../src/ssh/host-keys.ts';
import { parseHostKeysDocument } from '../src/ssh/host-keys-document.ts';
import { runCustomResource } from './emulator/host-keys.ts';
import { flaggedApp, propertiesOf } from './support/appliance.ts';

// The library checks every template that it synthesizes; RSA keys take their time.
vi.setConfig({ testTimeout: 60_000 });

const SECRET_ID = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:HostKeys-a1b2c3';

/** As the template carries it. */
const CODE = propertiesOf<{ Code: { ZipFile: string } }>(
  new SluiceCredentials(new Stack(flaggedApp(), 'Test'), 'Credentials'),
  'AWS::Lambda::Function',
).Code.ZipFile;

/** The one secret, as Secrets Manager has it (AWS JSON 1.1), and every operation that was asked for. */
let secret: { value: string; isDenied: boolean; operations: string[] };
let server: Server;
let folder: string;

beforeEach(async () => {
  secret = { value: '{}', isDenied: false, operations: [] };
  server = createServer(async (request, response) => {
    const { status, body } = answer(request, Buffer.concat(await request.toArray()).toString());
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = mkdtempSync(join(tmpdir(), 'sluice-host-keys-'));
  vi.stubEnv(
    'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function answer({ headers }: IncomingMessage, text: string): { status: number; body: object } {
  const operation = `${headers['x-amz-target']}`.replace('secretsmanager.', '');
  const { SecretId, SecretString } = JSON.parse(text) as { SecretId: string; SecretString?: string };
  secret.operations.push(operation);
  if (secret.isDenied || SecretId !== SECRET_ID) {
    const message = `User: arn:aws:sts::111122223333:assumed-role/maker is not authorized to perform: ${operation}`;
    return { status: 400, body: { __type: 'AccessDeniedException', Message: message } };
  }
  if (operation === 'PutSecretValue') secret.value = SecretString as string;
  return { status: 200, body: { ARN: SecretId, Name: 'HostKeys', SecretString: secret.value } };
}

const run = (requestType: 'Create' | 'Update' | 'Delete' = 'Create') =>
  runCustomResource(CODE, { SecretId: SECRET_ID }, requestType);

/** `ssh-ed25519 SHA256:...` of each key, as ssh-keygen reads it off the private key. */
function fingerprintsBySshKeygen(keys: Readonly<Record<string, string>>): string[] {
  return Object.entries(keys).map(([name, key]) => {
    const file = join(folder, name);
    writeFileSync(file, key, { mode: 0o600 });
    const [kind = ''] = execFileSync('ssh-keygen', ['-yf', file], { encoding: 'utf8' }).split(' ');
    const [, fingerprint] = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ');
    return `${kind} ${fingerprint}`;
  });
}

function generate(name: string, ...options: string[]): string {
  const file = join(folder, `made_${name}`);
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', 'a comment', '-f', file, ...options]);
  return readFileSync(file, 'utf8');
}

describe('the code in the template', () => {
  test('is no longer than Lambda takes inline, and carries no comments there', () => {
    expect(CODE.length).toBeLessThanOrEqual(4096);
    expect(CODE).not.toMatch(/^\s*(\/\/|\/\*)/m);
  });
});

describe('a secret without keys', () => {
  test('gets an ed25519, an ECDSA and an RSA key that the server can use, and their fingerprints are told', async () => {
    const { Status, Data } = await run();
    expect(Status).toBe('SUCCESS');
    const keys = parseHostKeysDocument(secret.value, 'the secret');
    expect(keys.map(({ type }) => type)).toEqual(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa']);
    expect(Data?.['Fingerprints']).toBe(
      keys.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join('\n'),
    );
  });

  test('gets keys that ssh-keygen reads, and it tells the same fingerprints', async () => {
    const { Data } = await run();
    expect(fingerprintsBySshKeygen(JSON.parse(secret.value)).join('\n')).toBe(Data?.['Fingerprints']);
  });

  test('gets other keys each time: none comes out of the code', async () => {
    await run();
    const before = JSON.parse(secret.value) as Record<string, string>;
    secret.value = '{}';
    await run();
    const after = JSON.parse(secret.value) as Record<string, string>;
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, key] of Object.entries(after)) expect(key).not.toBe(before[name]);
  });
});

describe('a secret with keys', () => {
  test('is not changed by being made again or updated, and the same fingerprints are told', async () => {
    const first = await run();
    const made = secret.value;
    for (const again of ['Create', 'Update'] as const) {
      secret.operations = [];
      const { Status, Data } = await run(again);
      expect({ Status, Data }).toEqual({ Status: 'SUCCESS', Data: first.Data });
      expect(secret.operations).toEqual(['GetSecretValue']);
      expect(secret.value).toBe(made);
    }
  });

  test("is read in OpenSSH's format, whatever the kind of the key, and in PEM", async () => {
    const keys = {
      ed25519: generate('ed25519', '-t', 'ed25519'),
      rsa: generate('rsa', '-t', 'rsa', '-b', '2048'),
      p256: generate('p256', '-t', 'ecdsa', '-b', '256'),
      p384: generate('p384', '-t', 'ecdsa', '-b', '384'),
      p521: generate('p521', '-t', 'ecdsa', '-b', '521'),
      rsaPem: generate('rsaPem', '-t', 'rsa', '-b', '2048', '-m', 'PEM'),
      p256Pem: generate('p256Pem', '-t', 'ecdsa', '-b', '256', '-m', 'PEM'),
      p384Pem: generate('p384Pem', '-t', 'ecdsa', '-b', '384', '-m', 'PEM'),
      p521Pem: generate('p521Pem', '-t', 'ecdsa', '-b', '521', '-m', 'PEM'),
    };
    secret.value = JSON.stringify(keys);
    const { Status, Data } = await run('Update');
    expect(Status).toBe('SUCCESS');
    const told = Data?.['Fingerprints']?.split('\n');
    expect(told).toEqual(fingerprintsBySshKeygen(keys));
    expect(told).toEqual(
      Object.entries(keys).map(([name, key]) => {
        const { type, fingerprint } = parseHostKey(key, name);
        return `${type} ${fingerprint}`;
      }),
    );
  });

  test('may have public keys beside private ones, which are passed over', async () => {
    secret.value = JSON.stringify({
      host: generate('host', '-t', 'ed25519'),
      'host.pub': 'ssh-ed25519 AAAA',
    });
    const { Status, Data } = await run('Update');
    expect(Status).toBe('SUCCESS');
    expect(Data?.['Fingerprints']?.split('\n')).toHaveLength(1);
  });
});

describe('what cannot be done', () => {
  test('is told CloudFormation with the reason when the secret is denied', async () => {
    secret.isDenied = true;
    const { Status, Reason } = await run();
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/^AccessDeniedException: .*not authorized to perform: GetSecretValue/);
  });

  test('is told without quoting the secret when that is no JSON: the reason stands in events', async () => {
    secret.value = generate('bare', '-t', 'ed25519');
    const { Status, Reason } = await run('Update');
    expect(Status).toBe('FAILED');
    expect(Reason).toBe('Error: the secret is no JSON object of private keys by name');
    expect(secret.operations).toEqual(['GetSecretValue']);
  });

  test('is told when a key is of a kind that servers do not read, and the secret stays as it is', async () => {
    secret.value = JSON.stringify({
      host: generate('pkcs8', '-t', 'ecdsa', '-m', 'PKCS8').replace(/[A-Za-z0-9+/]{20}/, 'x'.repeat(20)),
    });
    const before = secret.value;
    const { Status, Reason } = await run('Update');
    expect(Status).toBe('FAILED');
    expect(Reason).not.toContain('x'.repeat(20));
    expect(secret.value).toBe(before);
  });
});

describe('the end of the stack', () => {
  test('is always agreed to, and touches nothing', async () => {
    secret.isDenied = true;
    expect(await run('Delete')).toMatchObject({
      Status: 'SUCCESS',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'HostKeys',
      PhysicalResourceId: SECRET_ID,
    });
    expect(secret.operations).toEqual([]);
  });
});
