import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type StrictS3, startStrictS3 } from './strict-s3/server.ts';

const Bucket = 'bucket';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The server behind: notes what arrives and tells it back. */
let backend: Server;
let seen: Seen[] = [];
let proxy: FaultProxy;

let s3: StrictS3;
let s3Proxy: FaultProxy;
let client: S3Client;

beforeAll(async () => {
  backend = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    response.writeHead(201, 'Made', { 'x-custom': 'kept', 'set-cookie': ['a=1', 'b=2'] }).end(`echo ${body}`);
  });
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  proxy = await startFaultProxy(`http://127.0.0.1:${(backend.address() as AddressInfo).port}`);
  s3 = await startStrictS3({ buckets: [Bucket] });
  s3Proxy = await startFaultProxy(s3.endpoint);
  client = new S3Client({ ...s3.clientConfig, endpoint: s3Proxy.endpoint, maxAttempts: 1 });
});

afterAll(async () => {
  client.destroy();
  await s3Proxy.close();
  await s3.close();
  await proxy.close();
  backend.closeAllConnections();
  await new Promise((resolve) => backend.close(resolve));
});

afterEach(() => {
  proxy.clearFaults();
  s3Proxy.clearFaults();
  seen = [];
});

const post = (path: string, body = 'hello', headers: Record<string, string> = {}) =>
  fetch(proxy.endpoint + path, { method: 'POST', body, headers });
const sqs = (action: string) => post('/', '{}', { 'x-amz-target': `AmazonSQS.${action}` });

describe('without faults', () => {
  test('method, target, headers, status, reason and body pass unchanged', async () => {
    const answer = await post('/a%20b?x=1&y=%2F', 'hällo', { 'x-sent': 'yes' });
    expect([answer.status, answer.statusText, await answer.text()]).toEqual([201, 'Made', 'echo hällo']);
    expect(answer.headers.get('x-custom')).toBe('kept');
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(seen).toMatchObject([{ method: 'POST', url: '/a%20b?x=1&y=%2F', body: 'hällo' }]);
    expect(seen[0]?.headers).toMatchObject({ 'x-sent': 'yes', host: new URL(proxy.endpoint).host });
  });

  test('a large object passes both ways byte for byte, and a HEAD keeps its length', async () => {
    const Body = randomBytes(6 * 1024 * 1024);
    await client.send(new PutObjectCommand({ Bucket, Key: 'large', Body }));
    const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'large' }));
    const received = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
    expect(sha256(received)).toBe(sha256(Body));
    const headed = await client.send(new HeadObjectCommand({ Bucket, Key: 'large' }));
    expect(headed.ContentLength).toBe(Body.length);
  });

  test('requests are recorded', async () => {
    await sqs('SendMessage');
    const expected = { method: 'POST', path: '/', query: '', target: 'AmazonSQS.SendMessage', status: 201 };
    expect(proxy.requests.at(-1)).toMatchObject({ ...expected, aborted: false });
    const future = proxy.waitFor(({ path, status }) => path === '/awaited' && status === 201);
    await post('/awaited?q=1');
    expect(await future).toMatchObject({ path: '/awaited', query: 'q=1', target: undefined });
  });

  test('a server behind that is gone is a connection that breaks', async () => {
    const dead = await startFaultProxy('http://127.0.0.1:1');
    await expect(fetch(dead.endpoint)).rejects.toThrow();
    await dead.close();
  });
});

describe('with faults', () => {
  test('a rule hits by method, path, query and target together', async () => {
    const respond = { status: 503, body: 'no', headers: { 'x-fault': '1' } };
    const fault = proxy.fault({ method: 'POST', path: '/', target: /SendMessage$/, respond });
    expect((await sqs('ReceiveMessage')).status).toBe(201);
    expect((await post('/other')).status).toBe(201);
    const headers = { 'x-amz-target': 'AmazonSQS.SendMessage' };
    expect((await fetch(proxy.endpoint, { method: 'PUT', headers })).status).toBe(201);
    const hit = await sqs('SendMessage');
    expect([hit.status, await hit.text(), hit.headers.get('x-fault')]).toEqual([503, 'no', '1']);
    expect(fault.hits).toBe(1);
    expect(seen).toHaveLength(3);
    proxy.fault({ query: 'uploads', respond });
    expect((await post('/k?uploads')).status).toBe(503);
    expect((await post('/k?uploadId=1')).status).toBe(201);
  });

  test('a rule hits the nth match only', async () => {
    proxy.fault({ path: '/nth', nth: 2, respond: { status: 500 } });
    const statuses: number[] = [];
    for (let index = 0; index < 3; index += 1) statuses.push((await post('/nth')).status);
    expect(statuses).toEqual([201, 500, 201]);
  });

  test('a hang at the request keeps it from the server behind until released', async () => {
    const fault = proxy.fault({ path: '/hang', hang: 'request' });
    const pending = post('/hang');
    await fault.reached();
    expect(seen).toEqual([]);
    fault.release();
    expect((await pending).status).toBe(201);
    expect(seen).toHaveLength(1);
  });

  test('a hang at the response lets the server behind do its work first', async () => {
    const fault = proxy.fault({ path: '/hang', hang: 'response' });
    const pending = post('/hang');
    await fault.reached();
    expect(seen).toHaveLength(1);
    fault.release();
    expect(await (await pending).text()).toBe('echo hello');
  });

  test.each([
    ['request', 0],
    ['request-body', 0],
    ['response', 1],
  ] as const)(
    'a reset at the %s breaks the connection, and the server behind sees %i requests',
    async (reset, count) => {
      proxy.fault({ path: '/reset', reset });
      await expect(post('/reset')).rejects.toThrow();
      await proxy.waitFor(({ path, aborted }) => path === '/reset' && aborted);
      expect(seen).toHaveLength(count);
    },
  );

  test('a reset in the response body leaves the client with half of it', async () => {
    const size = 4 * 1024 * 1024;
    s3.seed(Bucket, 'cut', Buffer.alloc(size, 'x'));
    s3Proxy.fault({ method: 'GET', path: `/${Bucket}/cut`, reset: 'response-body' });
    const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'cut' }));
    let received = 0;
    const reading = (async () => {
      for await (const chunk of answer.Body as AsyncIterable<Buffer>) received += chunk.length;
    })();
    await expect(reading).rejects.toThrow(/aborted|ECONNRESET/);
    expect(received).toBe(size / 2);
  });

  test('a delay postpones the answer', async () => {
    proxy.fault({ path: '/late', delayMs: 60 });
    const start = performance.now();
    expect((await post('/late')).status).toBe(201);
    expect(performance.now() - start).toBeGreaterThanOrEqual(55);
  });

  test('closing the proxy ends what hangs', async () => {
    const other = await startFaultProxy(`http://127.0.0.1:${(backend.address() as AddressInfo).port}`);
    const fault = other.fault({ hang: 'request' });
    const outcome = expect(fetch(other.endpoint)).rejects.toThrow();
    await fault.reached();
    await other.close();
    await outcome;
    expect(seen).toEqual([]);
  });
});
