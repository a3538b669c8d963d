import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWebhookAuthenticator } from '../../src/auth/webhook-authenticator.ts';
import type { AuthenticationMethod, Credentials } from '../../src/contract/auth.ts';
import { createTestContext } from '../../src/testing/index.ts';

const { connection } = createTestContext();
const PASSWORD: Credentials = { method: 'password', username: 'acme', password: 'sesame open' };
const KEY: Credentials = {
  method: 'publickey',
  username: 'acme',
  key: { algorithm: 'ssh-ed25519', blob: Buffer.from('a key') },
};

interface Asked {
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

let asked: Asked[];
let answer: (response: ServerResponse) => void;
let close: () => Promise<void>;
let url: URL;

beforeEach(async () => {
  asked = [];
  answer = (response) => void response.end('{}');
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method, headers } = request;
    asked.push({ method, headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/login`);
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterEach(() => close());

function authenticate(credentials = PASSWORD, proven: AuthenticationMethod[] = [], timeoutMs = 5000) {
  const headersFor = async (body: string) => ({ 'x-length': String(body.length) });
  const authenticator = createWebhookAuthenticator({ url, timeoutMs, headersFor });
  return authenticator.authenticate(credentials, connection, new Set(proven));
}

const respond = (status: number, body: string, headers = {}) => {
  answer = (response) => void response.writeHead(status, headers).end(body);
};

describe('the question', () => {
  test('has the password, and who asks', async () => {
    await authenticate();
    const { id, clientAddress, clientPort, clientVersion } = connection;
    const body = {
      username: 'acme',
      method: 'password',
      password: 'sesame open',
      proven: [],
      connection: { id, clientAddress, clientPort, clientVersion },
    };
    expect(asked).toMatchObject([{ method: 'POST', body }]);
    expect(asked[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-length': String(JSON.stringify(body).length),
    });
  });

  test('has the key as a line of authorized_keys, and what was shown before', async () => {
    await authenticate(KEY, ['password']);
    expect(asked[0]?.body).toMatchObject({
      method: 'publickey',
      publicKey: `ssh-ed25519 ${Buffer.from('a key').toString('base64')}`,
      proven: ['password'],
    });
  });
});

test('the question says what a security key says of its signature', async () => {
  const securityKey = { userPresent: true, userVerified: false };
  await authenticate({ ...KEY, securityKey } as Credentials);
  expect(asked[0]?.body).toMatchObject({ method: 'publickey', securityKey });
});

describe('the answer', () => {
  test('of 200 is the principal, under the name that was asked for', async () => {
    respond(200, JSON.stringify({ session: { prefix: 'tenants/acme/' }, permissions: ['write'] }));
    expect(await authenticate()).toEqual({
      username: 'acme',
      session: { prefix: 'tenants/acme/' },
      permissions: ['write'],
    });
    const folders = [{ path: '/in', target: '/inbox' }];
    respond(200, JSON.stringify({ folders, home: '/in' }));
    expect(await authenticate()).toEqual({ username: 'acme', session: {}, folders, home: '/in' });
    respond(200, '{}');
    expect(await authenticate()).toEqual({ username: 'acme', session: {} });
  });

  test('may ask for more', async () => {
    respond(200, '{"next":["password"]}');
    expect(await authenticate(KEY)).toEqual({ next: ['password'] });
    const limits = { addresses: ['203.0.113.0/24'] };
    respond(200, JSON.stringify({ next: ['password'], limits }));
    expect(await authenticate(KEY)).toEqual({ next: ['password'], limits });
  });

  test.each([401, 403, 404])('of %d is no', async (status) => {
    respond(status, '');
    expect(await authenticate()).toBeUndefined();
  });

  test.each([
    ['500', 500, '', 'the webhook answered 500'],
    ['no JSON', 200, 'yes', 'something else than a principal'],
    ['a misspelt field', 200, '{"permission":["write"]}', 'something else than a principal'],
    ['an unknown permission', 200, '{"permissions":["all"]}', 'something else than a principal'],
    ['a folder without a path', 200, '{"folders":[{}]}', 'a principal: folders.0.path: '],
    ['too much', 200, JSON.stringify({ session: { a: 'x'.repeat(70_000) } }), 'more than 65536 bytes'],
    ['too large a session', 200, JSON.stringify({ session: { a: 'x'.repeat(17_000) } }), 'something else'],
  ])('that is %s is a fault of the webhook', async (_, status, body, message) => {
    respond(status, body);
    await expect(authenticate()).rejects.toThrow(message);
  });

  test('that sends elsewhere is not followed: the password goes nowhere else', async () => {
    respond(307, '', { location: `${url}/elsewhere` });
    await expect(authenticate()).rejects.toThrow('the webhook cannot be asked');
    expect(asked).toHaveLength(1);
  });

  test('that does not come in time is a fault, and says nothing of the password', async () => {
    answer = () => undefined;
    const failure = await authenticate(PASSWORD, [], 50).catch((error: Error) => error);
    expect(String(failure)).toBe('WebhookError: the webhook cannot be asked: no answer within 50 ms');
  });

  test('of nobody is a fault', async () => {
    await close();
    close = async () => undefined;
    const failure = await authenticate().catch((error: Error) => error);
    expect(String(failure)).toContain('ECONNREFUSED');
    expect(String(failure)).not.toContain('sesame');
  });
});
