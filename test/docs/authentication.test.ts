import { scryptSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createWebhookIdentities } from '../../src/auth/identities.ts';
import type { Authenticator, Credentials } from '../../src/contract/auth.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog } from '../support/collect-log.ts';

type Handler = (event: object) => Promise<{ readonly statusCode: number; readonly body?: string }>;

const { connection } = createTestContext();
const key = { algorithm: 'ssh-ed25519', blob: Buffer.from('a key') };

let authenticator: Authenticator;
let folder: string;
let close: () => Promise<unknown>;

/** The function of docs/authentication.md behind HTTP, as its URL has it. */
beforeAll(async () => {
  const text = await readFile(new URL('../../docs/authentication.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = '']) => code);
  folder = await mkdtemp(join(tmpdir(), 'sluice-docs-'));
  const file = join(folder, 'index.mjs');
  await writeFile(file, blocks.find((code) => code.includes('export async function handler')) ?? '');
  const acme = {
    salt: 'of acme',
    hash: scryptSync('sesame open', 'of acme', 32).toString('base64'),
    publicKeys: [`ssh-ed25519 ${key.blob.toString('base64')}`],
    prefix: 'tenants/acme/',
  };
  vi.stubEnv('USERS', JSON.stringify({ acme }));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  const { handler } = (await import(pathToFileURL(file).href)) as { readonly handler: Handler };
  let isBase64Encoded = false;
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    // Lambda decides by the type of the content, so a function has to take both.
    isBase64Encoded = !isBase64Encoded;
    const event = { body: body.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
    const answer = await handler(event);
    response.writeHead(answer.statusCode).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const sign = { service: 'lambda', region: 'eu-west-1' };
  authenticator = await createWebhookIdentities({ url, secret: undefined, sign, timeoutMs: 5000 }).open(
    collectLog().log,
  );
  close = () => new Promise((resolve) => server.close(resolve));
});
afterAll(async () => {
  await close?.();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const show = (credentials: Credentials) => authenticator.authenticate(credentials, connection, new Set());

test('the Lambda function lets in who it should, and nobody else', async () => {
  const principal = { username: 'acme', session: { prefix: 'tenants/acme/' } };
  expect(await show({ method: 'password', username: 'acme', password: 'sesame open' })).toEqual(principal);
  expect(await show({ method: 'publickey', username: 'acme', key })).toEqual(principal);
  expect(await show({ method: 'password', username: 'acme', password: 'a guess' })).toBeUndefined();
  expect(await show({ method: 'password', username: 'nobody', password: '' })).toBeUndefined();
  expect(await show({ method: 'publickey', username: 'nobody', key })).toBeUndefined();
  const other = { ...key, blob: Buffer.from('another') };
  expect(await show({ method: 'publickey', username: 'acme', key: other })).toBeUndefined();
  expect(await show({ method: 'password', username: '__proto__', password: '' })).toBeUndefined();
});
