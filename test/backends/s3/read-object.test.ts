import { randomBytes } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readObject } from '../../../src/backends/s3/read-object.ts';
import type { StreamingBackend } from '../../../src/contract/backend.ts';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const Bucket = 'bucket';
const MiB = 1024 * 1024;
const CONTENT = randomBytes(8 * MiB);

let s3: StrictS3;
let subject: S3Subject;
let etag: string;

beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [Bucket] });
  subject = createS3Subject(s3.endpoint, Bucket);
  s3.seed(Bucket, 'file', CONTENT);
  etag = (await subject.store.head('file'))?.etag ?? '';
  s3.clearRequests();
});
afterEach(async () => {
  subject.close();
  await s3.close();
});

/** `If-Match` and `Range` of every GET so far. */
const gets = () =>
  s3.requests
    .filter(({ operation }) => operation === 'GetObject')
    .map(({ headers }) => `${headers['if-match'] ?? 'any'} ${headers.range ?? 'whole'}`);

type Read = (backend: StreamingBackend, content?: string) => Promise<Uint8Array>;
const context = createTestContext();
const range = { offset: MiB, length: 4 * MiB };
const RANGE: readonly [string, Read, Buffer] = [
  'a range',
  (backend, content) =>
    backend.readFileRange(context, '/file', {
      ...range,
      ...(content === undefined ? {} : { etag: content }),
    }),
  CONTENT.subarray(MiB, 5 * MiB),
];
const WHOLE: readonly [string, Read, Buffer] = [
  'a whole file',
  (backend) => backend.readFile(context, '/file'),
  CONTENT,
];

describe('a read that is cut in the middle', () => {
  test.each([RANGE, WHOLE])('of %s goes on where it ended', async (_, read, expected) => {
    const fault = s3.fault({ operation: 'GetObject', times: 3, reset: 'response-body' });
    expect(Buffer.compare(await read(subject.backend, etag), expected)).toBe(0);
    expect(fault.hits).toBe(3);
    expect(gets()).toHaveLength(4);
    for (const asked of gets().slice(1)) expect(asked).toMatch(`"${etag}" bytes=`);
  });

  test('without an etag goes on with the content that it began with', async () => {
    const [, read, expected] = RANGE;
    s3.fault({ operation: 'GetObject', nth: 1, reset: 'response-body' });
    expect(Buffer.compare(await read(subject.backend), expected)).toBe(0);
    const [first, second] = gets();
    expect(first).toBe(`any bytes=${MiB}-${5 * MiB - 1}`);
    expect(second).toMatch(new RegExp(`^"${etag}" bytes=\\d+-${5 * MiB - 1}$`));
  });

  test('across the end of the file is as short as one that is not cut', async () => {
    s3.fault({ operation: 'GetObject', nth: 1, reset: 'response-body' });
    const bytes = await subject.backend.readFileRange(context, '/file', { offset: 7 * MiB, length: 4 * MiB });
    expect(Buffer.compare(bytes, CONTENT.subarray(7 * MiB))).toBe(0);
    expect(gets()).toHaveLength(2);
  });

  test.each([
    ['with an etag', RANGE[1], true],
    ['without an etag', RANGE[1], false],
    ['of a whole file', WHOLE[1], false],
  ])('%s is ESTALE when the file has been replaced meanwhile, never a mixture', async (_, read, isPinned) => {
    s3.fault({ operation: 'GetObject', nth: 1, reset: 'response-body' });
    const held = s3.fault({ operation: 'GetObject', nth: 2, hang: 'request' });
    const reading = read(subject.backend, isPinned ? etag : undefined);
    const outcome = expect(reading).rejects.toMatchObject({ code: 'ESTALE' });
    await held.reached();
    s3.seed(Bucket, 'file', randomBytes(8 * MiB));
    held.release();
    await outcome;
  });

  test('every time fails in the end', async () => {
    const fault = s3.fault({ operation: 'GetObject', reset: 'response-body' });
    await expect(RANGE[1](subject.backend, etag)).rejects.toMatchObject({ code: 'EIO' });
    // By the SDK, then three times past it and by it.
    expect(fault.hits).toBe(7);
  });
});

describe('a read that nobody waits for any more', () => {
  test.each(['request', 'response'] as const)('drops its connection: S3 hangs at the %s', async (hang) => {
    const held = s3.fault({ operation: 'GetObject', hang });
    const gone = new AbortController();
    const reading = subject.backend.readFileRange(createTestContext({ signal: gone.signal }), '/file', range);
    const outcome = expect(reading).rejects.toMatchObject({ code: 'ECANCELED' });
    await held.reached();
    gone.abort();
    await outcome;
    await s3.waitFor(({ operation, aborted }) => operation === 'GetObject' && aborted);
    expect(gets()).toHaveLength(1);
  });

  test('drops its connection in the middle of the answer, and asks for nothing more', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': 100, etag: '"1"' }).write('the first few');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const slow = createS3Subject(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, Bucket);
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const gone = new AbortController();
    const reading = readObject(slow.store, 'file', { signal: gone.signal });
    expect(String((await reading.next()).value)).toBe('the first few');
    const [socket] = await connected;
    const next = expect(reading.next()).rejects.toMatchObject({ name: 'AbortError' });
    gone.abort();
    await Promise.all([next, once(socket, 'close')]);
    slow.close();
    await new Promise((resolve) => server.close(resolve));
  });

  test('was never begun when its signal is aborted already', async () => {
    const context = createTestContext({ signal: AbortSignal.abort() });
    const reading = subject.backend.readFileRange(context, '/file', range);
    await expect(reading).rejects.toMatchObject({ code: 'ECANCELED' });
    expect(gets()).toEqual([]);
  });

  test('leaves no listener behind when it is done', async () => {
    const { signal } = new AbortController();
    for (let count = 0; count < 3; count++) {
      await subject.backend.readFileRange(createTestContext({ signal }), '/file', range);
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

test('what lies past the end of a file is no bytes, and no request is sent again', async () => {
  const past = { offset: CONTENT.length, length: 10 };
  expect(await subject.backend.readFileRange(context, '/file', past)).toHaveLength(0);
  expect(gets()).toHaveLength(1);
});

test('a stream that ends before the bytes it was asked for fails', async () => {
  const source = { key: 'file', etag, offset: 7 * MiB };
  const drain = async () => {
    for await (const _ of subject.store.stream(source, 2 * MiB));
  };
  await expect(drain()).rejects.toThrow('ended 1048576 bytes early');
});
