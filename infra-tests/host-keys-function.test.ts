import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SluiceCredentials } from '../cdk/credentials.ts';
import { parseHostKey } from '../src/ssh/host-keys.ts';
import { parseHostKeysDocument } from '../src/ssh/host-keys-document.ts';
import { type SecretsServer, startSecretsServer } from '../test/support/secrets-manager.ts';
import { runCustomResource } from './emulator/host-keys.ts';
import { flaggedApp, propertiesOf } from './support/appliance.ts';

// The library checks every template that it synthesizes; RSA keys take their time.
vi.setConfig({ testTimeout: 60_000 });

const NAME = 'HostKeys';

/** As the template carries it. */
const CODE = propertiesOf<{ Code: { ZipFile: string } }>(
  new SluiceCredentials(new Stack(flaggedApp(), 'Test'), 'Credentials'),
  'AWS::Lambda::Function',
).Code.ZipFile;

let server: SecretsServer;
/** The ARN of the one secret. */
let secretId: string;
let folder: string;

beforeEach(async () => {
  server = await startSecretsServer();
  secretId = server.put(NAME, '{}');
  folder = mkdtempSync(join(tmpdir(), 'sluice-host-keys-'));
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', server.endpoint);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  await server.close();
});

/** What was asked for, in that order. */
const operations = (from = 0) => server.requests.slice(from).map(({ operation }) => operation);

const run = (requestType: 'Create' | 'Update' | 'Delete' = 'Create') =>
  runCustomResource(CODE, { SecretId: secretId }, requestType);

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
    const keys = parseHostKeysDocument(server.get(NAME), 'the secret');
    expect(keys.map(({ type }) => type)).toEqual(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa']);
    expect(Data?.['Fingerprints']).toBe(
      keys.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join('\n'),
    );
  });

  test('gets keys that ssh-keygen reads, and it tells the same fingerprints', async () => {
    const { Data } = await run();
    expect(fingerprintsBySshKeygen(JSON.parse(server.get(NAME))).join('\n')).toBe(Data?.['Fingerprints']);
  });

  test('gets other keys each time: none comes out of the code', async () => {
    await run();
    const before = JSON.parse(server.get(NAME)) as Record<string, string>;
    server.put(NAME, '{}');
    await run();
    const after = JSON.parse(server.get(NAME)) as Record<string, string>;
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, key] of Object.entries(after)) expect(key).not.toBe(before[name]);
  });
});

describe('a secret with keys', () => {
  test('is not changed by being made again or updated, and the same fingerprints are told', async () => {
    const first = await run();
    const made = server.get(NAME);
    for (const again of ['Create', 'Update'] as const) {
      const before = server.requests.length;
      const { Status, Data } = await run(again);
      expect({ Status, Data }).toEqual({ Status: 'SUCCESS', Data: first.Data });
      expect(operations(before)).toEqual(['GetSecretValue']);
      expect(server.get(NAME)).toBe(made);
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
    server.put(NAME, JSON.stringify(keys));
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
    server.put(
      NAME,
      JSON.stringify({
        host: generate('host', '-t', 'ed25519'),
        'host.pub': 'ssh-ed25519 AAAA',
      }),
    );
    const { Status, Data } = await run('Update');
    expect(Status).toBe('SUCCESS');
    expect(Data?.['Fingerprints']?.split('\n')).toHaveLength(1);
  });
});

describe('what cannot be done', () => {
  test('is told CloudFormation with the reason when the secret is denied', async () => {
    server.deny(NAME);
    const { Status, Reason } = await run();
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(
      /^AccessDeniedException: .*not authorized to perform: secretsmanager:GetSecretValue/,
    );
  });

  test('is told without quoting the secret when that is no JSON: the reason stands in events', async () => {
    server.put(NAME, generate('bare', '-t', 'ed25519'));
    const { Status, Reason } = await run('Update');
    expect(Status).toBe('FAILED');
    expect(Reason).toBe('Error: the secret is no JSON object of private keys by name');
    expect(operations()).toEqual(['GetSecretValue']);
  });

  test('is told when a key is of a kind that servers do not read, and the secret stays as it is', async () => {
    server.put(
      NAME,
      JSON.stringify({
        host: generate('pkcs8', '-t', 'ecdsa', '-m', 'PKCS8').replace(/[A-Za-z0-9+/]{20}/, 'x'.repeat(20)),
      }),
    );
    const before = server.get(NAME);
    const { Status, Reason } = await run('Update');
    expect(Status).toBe('FAILED');
    expect(Reason).not.toContain('x'.repeat(20));
    expect(server.get(NAME)).toBe(before);
  });
});

describe('the end of the stack', () => {
  test('is always agreed to, and touches nothing', async () => {
    server.deny(NAME);
    expect(await run('Delete')).toMatchObject({
      Status: 'SUCCESS',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'HostKeys',
      PhysicalResourceId: secretId,
    });
    expect(operations()).toEqual([]);
  });
});
