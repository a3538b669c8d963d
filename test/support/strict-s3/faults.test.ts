import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type StrictS3, startStrictS3 } from './server.ts';

const Bucket = 'bucket';

let s3: StrictS3;
/** Does not retry, so that every fault is seen. */
let client: S3Client;

beforeAll(async () => {
  s3 = await startStrictS3({ buckets: [Bucket] });
  client = new S3Client({ ...s3.clientConfig, maxAttempts: 1 });
});

afterAll(async () => {
  client.destroy();
  await s3.close();
});

beforeEach(() => s3.clearRequests());
afterEach(() => s3.clearFaults());

const put = (Key: string, Body: string | Buffer = 'content', abortSignal?: AbortSignal) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body }), abortSignal === undefined ? {} : { abortSignal });
const get = async (Key: string) => {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key }));
  return answer.Body?.transformToString();
};
const isStored = (key: string) => s3.objects(Bucket).has(key);

describe('which requests a rule hits', () => {
  const respond = { status: 503, code: 'SlowDown' };

  test('only those of its operation and its key', async () => {
    s3.seed(Bucket, 'rules/hit', 'x');
    const byName = s3.fault({ operation: 'PutObject', key: 'rules/hit', respond });
    const byPattern = s3.fault({ operation: 'PutObject', key: /^pattern\//, respond });
    const byFunction = s3.fault({ operation: 'PutObject', key: (key) => key.endsWith('!'), respond });
    await put('rules/other');
    expect(await get('rules/hit')).toBe('x');
    for (const key of ['rules/hit', 'pattern/any', 'called!']) {
      await expect(put(key)).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } });
    }
    expect([byName.hits, byPattern.hits, byFunction.hits]).toEqual([1, 1, 1]);
    expect(isStored('called!')).toBe(false);
  });

  test('the nth, as many times as told, counted from the first match', async () => {
    s3.fault({ operation: 'PutObject', nth: 2, times: 2, respond });
    const outcomes: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const outcome = await put('counted').catch((error: Error) => error.name);
      outcomes.push(typeof outcome === 'string' ? outcome : 'ok');
    }
    expect(outcomes).toEqual(['ok', 'SlowDown', 'SlowDown', 'ok', 'ok']);
  });

  test('one alone when only nth is told, and all when neither is', async () => {
    const one = s3.fault({ key: 'one', nth: 1, respond });
    await expect(put('one')).rejects.toThrow();
    await put('one');
    expect(one.hits).toBe(1);
    const all = s3.fault({ key: 'all', respond });
    for (let index = 0; index < 3; index += 1) await expect(put('all')).rejects.toThrow();
    expect(all.hits).toBe(3);
  });

  test('those for which `when` says so, which is asked of those that match alone', async () => {
    const asked: (string | undefined)[] = [];
    const when = ({ key }: { readonly key: string | undefined }) => asked.push(key) === 2;
    const fault = s3.fault({ operation: 'PutObject', key: /^when/, when, respond });
    await put('other');
    await put('when-1');
    await expect(put('when-2')).rejects.toMatchObject({ name: 'SlowDown' });
    await put('when-3');
    expect(asked).toEqual(['when-1', 'when-2', 'when-3']);
    expect(fault.hits).toBe(1);
  });

  test('none after its release, and none after clearFaults', async () => {
    s3.fault({ key: 'freed', respond }).release();
    await put('freed');
    s3.fault({ key: 'freed', respond });
    s3.clearFaults();
    await put('freed');
  });
});

describe('hang', () => {
  test('before the operation: nothing happens until released, then all goes on', async () => {
    const fault = s3.fault({ operation: 'PutObject', hang: 'request' });
    const pending = put('hung');
    await fault.reached();
    expect(isStored('hung')).toBe(false);
    expect(s3.requests).toMatchObject([{ operation: 'PutObject', key: 'hung', status: undefined }]);
    fault.release();
    await pending;
    expect(isStored('hung')).toBe(true);
  });

  test('before the answer: the operation is done, and its client hears of it when released', async () => {
    const fault = s3.fault({ operation: 'PutObject', hang: 'response' });
    let isAnswered = false;
    const pending = put('done').then(() => {
      isAnswered = true;
    });
    await fault.reached();
    expect(isStored('done')).toBe(true);
    expect(isAnswered).toBe(false);
    fault.release();
    await pending;
  });

  test('a client that gives up is recorded as aborted, and a later release does nothing', async () => {
    const fault = s3.fault({ operation: 'PutObject', hang: 'request' });
    const giveUp = new AbortController();
    const pending = put('given-up', 'content', giveUp.signal);
    await fault.reached();
    giveUp.abort();
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' });
    await s3.waitFor(({ key, aborted }) => key === 'given-up' && aborted);
    fault.release();
    await put('afterwards');
    expect(isStored('given-up')).toBe(false);
  });

  test('reached waits for as many hits as told', async () => {
    const fault = s3.fault({ operation: 'PutObject', hang: 'request' });
    const pending = [put('a'), put('b'), put('c')];
    await fault.reached(3);
    expect(fault.hits).toBe(3);
    fault.release();
    await Promise.all(pending);
  });

  test('closing the server ends the requests that hang', async () => {
    const other = await startStrictS3({ buckets: [Bucket] });
    const otherClient = new S3Client({ ...other.clientConfig, maxAttempts: 1 });
    const fault = other.fault({ hang: 'request' });
    const pending = otherClient.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const outcome = expect(pending).rejects.toThrow();
    await fault.reached();
    await other.close();
    await outcome;
    expect(other.objects(Bucket).size).toBe(0);
    otherClient.destroy();
  });
});

describe('reset', () => {
  const large = Buffer.alloc(4 * 1024 * 1024, 'x');

  test.each(['request', 'request-body'] as const)(
    'at the %s: the client sees an error, nothing is stored',
    async (at) => {
      s3.fault({ operation: 'PutObject', reset: at, nth: 1 });
      await expect(put(`reset/${at}`, large)).rejects.toThrow(/ECONNRESET|EPIPE|socket hang up/);
      await s3.waitFor(({ key, aborted }) => key === `reset/${at}` && aborted);
      expect(isStored(`reset/${at}`)).toBe(false);
      await put(`reset/${at}`, large);
      expect(s3.objects(Bucket).get(`reset/${at}`)?.size).toBe(large.length);
    },
  );

  test('at the response: the client sees an error, although the object is stored', async () => {
    s3.fault({ operation: 'PutObject', reset: 'response' });
    await expect(put('reset/response')).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect(isStored('reset/response')).toBe(true);
  });

  test('in the response body: the client gets the head and half of the body, then an error', async () => {
    s3.seed(Bucket, 'reset/body', large);
    s3.fault({ operation: 'GetObject', reset: 'response-body' });
    const answer = await client.send(new GetObjectCommand({ Bucket, Key: 'reset/body' }));
    expect(answer.ContentLength).toBe(large.length);
    let received = 0;
    const reading = (async () => {
      for await (const chunk of answer.Body as AsyncIterable<Buffer>) received += chunk.length;
    })();
    await expect(reading).rejects.toThrow(/aborted|ECONNRESET/);
    expect(received).toBe(large.length / 2);
  });

  test('a client that retries gets through', async () => {
    const patient = new S3Client({ ...s3.clientConfig, maxAttempts: 3 });
    s3.fault({ operation: 'PutObject', reset: 'response', nth: 1 });
    const answer = await patient.send(new PutObjectCommand({ Bucket, Key: 'retried', Body: 'x' }));
    expect(answer.$metadata.attempts).toBe(2);
    expect(s3.requests.map(({ status, aborted }) => [status, aborted])).toEqual([
      [undefined, true],
      [200, false],
    ]);
    patient.destroy();
  });
});

test('delay answers rightly, but not before its time', async () => {
  s3.fault({ operation: 'PutObject', delayMs: 60 });
  await put('delayed');
  const record = await s3.waitFor(({ key, endTime }) => key === 'delayed' && endTime !== undefined);
  expect((record.endTime ?? 0) - record.time).toBeGreaterThanOrEqual(55);
  expect(isStored('delayed')).toBe(true);
});

test('an error inside a 200 of CompleteMultipartUpload is an error, and the upload stays open', async () => {
  const Key = 'inside-200';
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' });
  const { ETag } = await client.send(part);
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const completion = { Bucket, Key, UploadId, MultipartUpload };
  const code = 'InternalError';
  const fault = s3.fault({ operation: 'CompleteMultipartUpload', nth: 1, errorInside200: { code } });
  const failed = client.send(new CompleteMultipartUploadCommand(completion));
  await expect(failed).rejects.toMatchObject({ name: code });
  expect(fault.hits).toBe(1);
  const record = s3.requests.find(({ operation }) => operation === 'CompleteMultipartUpload');
  expect(record).toMatchObject({ status: 200, errorCode: code });
  expect(isStored(Key)).toBe(false);
  expect(s3.openUploads(Bucket)).toHaveLength(1);
  await client.send(new CompleteMultipartUploadCommand(completion));
  expect(isStored(Key)).toBe(true);
});

test('the error inside a 200 comes behind white space, without an XML declaration', async () => {
  s3.fault({ operation: 'CompleteMultipartUpload', errorInside200: { code: 'SlowDown' } });
  const answer = await fetch(`${s3.endpoint}/${Bucket}/k?uploadId=u`, { method: 'POST' });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toMatch(/^\s+<Error><Code>SlowDown<\/Code>.*<\/Error>$/);
});

test('the error inside a 200 may end in a line break, which the SDK takes for a success', async () => {
  const errorInside200 = { code: 'InternalError', lineBreak: true };
  s3.fault({ operation: 'CompleteMultipartUpload', errorInside200 });
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: 'x' }] };
  const completion = { Bucket, Key: 'k', UploadId: 'u', MultipartUpload };
  expect((await client.send(new CompleteMultipartUploadCommand(completion))).ETag).toBeUndefined();
});
