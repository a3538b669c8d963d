import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWebhookIdentities } from '../../src/auth/identities.ts';
import type { Authenticator } from '../../src/contract/auth.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog } from '../support/collect-log.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const { connection } = createTestContext();

const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

/** Why AWS would not take it; undefined when it would (IAM User Guide, "Create a signed AWS API request"). */
function faultOf(
  { method, url, headers }: IncomingMessage,
  body: string,
  service: string,
): string | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=(\S+)\/(\d{8})\/(\S+)\/(\S+)\/aws4_request, SignedHeaders=(\S+), Signature=(\w{64})$/;
  const [, id, date = '', region = '', scope, names = '', signature] =
    form.exec(headers.authorization ?? '') ?? [];
  if (id !== 'AKIDEXAMPLE') return `not signed by whom it should: ${headers.authorization}`;
  if (scope !== service || region !== 'eu-central-1') return `signed for ${scope} in ${region}`;
  for (const name of ['host', 'content-type', 'x-amz-date']) {
    if (!names.split(';').includes(name)) return `${name} is not signed`;
  }
  const time = `${headers['x-amz-date']}`;
  if (!time.startsWith(date) || Math.abs(Date.parse(toIso(time)) - Date.now()) > 300_000)
    return 'not signed now';
  const { pathname, searchParams } = new URL(url ?? '', 'http://localhost');
  const query = [...searchParams]
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .sort();
  const signed = names.split(';').map((name) => `${name}:${`${headers[name]}`.trim()}\n`);
  const canonical = [method, pathname, query.join('&'), signed.join(''), names, sha256(body)].join('\n');
  const toSign = [
    'AWS4-HMAC-SHA256',
    time,
    `${date}/${region}/${service}/aws4_request`,
    sha256(canonical),
  ].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${SECRET}`);
  return hmac(key, toSign).toString('hex') === signature ? undefined : 'the signature is another';
}

/** `20261122T101112Z` with its marks. */
function toIso(time: string): string {
  return time.replace(/^(\d{4})(\d{2})(\d{2}T\d{2})(\d{2})(\d{2}Z)$/, '$1-$2-$3:$4:$5');
}

let faults: (string | undefined)[];
let seen: IncomingMessage['headers'][];
let base: string;
let close: () => Promise<void>;

beforeEach(async () => {
  faults = [];
  seen = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    faults.push(faultOf(request, body, 'lambda'));
    seen.push(request.headers);
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => new Promise((resolve) => server.close(() => resolve()));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await close();
});

function authenticatorAt(path: string, service: 'lambda' | 'execute-api' = 'lambda'): Promise<Authenticator> {
  const sign = { service, region: 'eu-central-1' };
  const url = new URL(path, base);
  return createWebhookIdentities({ url, secret: undefined, sign, timeoutMs: 5000 }).open(collectLog().log);
}

function ask(authenticator: Authenticator, password = 'sesame öpen') {
  const credentials = { method: 'password', username: 'acme', password } as const;
  return authenticator.authenticate(credentials, connection, new Set());
}

function useCredentials(sessionToken = ''): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
  vi.stubEnv('AWS_SESSION_TOKEN', sessionToken);
}

test.each(['/', '/login', '/a/b?stage=one&list=2&list=1&text=a%20b'])(
  'each question is signed: %s',
  async (path) => {
    useCredentials();
    const authenticator = await authenticatorAt(path);
    expect(await ask(authenticator)).toEqual({ username: 'acme', session: {} });
    await ask(authenticator, 'another');
    expect(faults).toEqual([undefined, undefined]);
    expect(seen[0]?.authorization).not.toBe(seen[1]?.authorization);
  },
);

test('the token of a role goes along', async () => {
  useCredentials('token-of-a-session');
  await ask(await authenticatorAt('/'));
  expect(faults).toEqual([undefined]);
  expect(seen).toMatchObject([{ 'x-amz-security-token': 'token-of-a-session' }]);
});

test('it is signed for the service that is named', async () => {
  useCredentials();
  await ask(await authenticatorAt('/', 'execute-api'));
  expect(faults).toEqual(['signed for execute-api in eu-central-1']);
});

test('without credentials nobody is asked, and the reason says so', async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, '');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
  await expect(ask(await authenticatorAt('/'))).rejects.toThrow(
    /^the webhook cannot be asked: .*credentials/,
  );
  expect(faults).toEqual([]);
});
