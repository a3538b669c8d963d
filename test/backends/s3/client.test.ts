import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createS3Client, MAX_SOCKETS, type Silence } from '../../../src/backends/s3/client.ts';
import { BY_CODE, BY_STATUS } from '../../../src/backends/s3/errors.ts';
import { MAX_ATTEMPTS, MAX_SILENT_ATTEMPTS } from '../../../src/backends/s3/retries.ts';
import { TEST_CREDENTIALS, TEST_REGION } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const Bucket = 'bucket';
/** For stores that hang: much shorter than in earnest, and far from each other. */
const HASTY = { connecting: 300, usual: 500, patient: 3_600_000 };

let s3: StrictS3;

beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [Bucket] });
});
afterEach(() => s3.close());

function connect(endpoint = s3.endpoint, silence?: Silence): S3Client {
  const client = createS3Client({ endpoint, region: TEST_REGION, credentials: TEST_CREDENTIALS }, silence);
  onTestFinished(() => client.destroy());
  return client;
}

const put = (client: S3Client, Key: string, abortSignal?: AbortSignal) =>
  client.send(
    new PutObjectCommand({ Bucket, Key, Body: Buffer.from('content') }),
    abortSignal === undefined ? {} : { abortSignal },
  );
const head = (client: S3Client, Key: string) => client.send(new HeadObjectCommand({ Bucket, Key }));
const attemptsOf = (key: string) => s3.requests.filter((request) => request.key === key).length;

/** A server that answers as a test says, for what the strict one would never do. */
async function startServer(
  answer: (request: IncomingMessage, response: ServerResponse, nth: number) => void,
): Promise<string> {
  let nth = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response, ++nth));
  });
  return `http://127.0.0.1:${await listen(server, () => server.closeAllConnections())}`;
}

/** An endpoint that takes connections and never says a word, not even TLS's first. */
async function startMute(): Promise<string> {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => void sockets.push(socket));
  return `https://127.0.0.1:${await listen(server, () => sockets.forEach((socket) => void socket.destroy()))}`;
}

/** The port. The server and its connections end with the test. */
async function listen(server: Server, cutAll: () => void): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    cutAll();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

describe('what is sent again', () => {
  test('is what the table says, code by code, whatever the status', async () => {
    const codes = Object.entries(BY_CODE).filter(([, { again }]) => again !== 'skew');
    const outcomes = codes.map(async ([code, { again }]) => {
      // Statuses by which the SDK alone would decide otherwise.
      s3.fault({ key: code, times: 1, respond: { status: again === 'no' ? 500 : 400, code } });
      const name = await put(connect(), code).then(
        () => 'ok',
        (error: Error) => error.name,
      );
      return [code, name, attemptsOf(code)];
    });
    expect(await Promise.all(outcomes)).toEqual(
      codes.map(([code, { again }]) => (again === 'no' ? [code, code, 1] : [code, 'ok', 2])),
    );
  });

  test('is what the table says, status by status, for answers without a code', async () => {
    const statuses = Object.entries(BY_STATUS);
    const outcomes = statuses.map(async ([status]) => {
      s3.seed(Bucket, status, 'x');
      s3.fault({ key: status, times: 1, respond: { status: Number(status), code: 'Unheard' } });
      await head(connect(), status).catch(() => undefined);
      return [status, attemptsOf(status)];
    });
    expect(await Promise.all(outcomes)).toEqual(
      statuses.map(([status, { again }]) => [status, again === 'no' ? 1 : 2]),
    );
  });

  test('a connection that is cut before, within and after the request', async () => {
    const client = connect();
    for (const reset of ['request', 'request-body', 'response'] as const) {
      s3.fault({ key: reset, times: 1, reset });
      await put(client, reset);
      expect(attemptsOf(reset)).toBe(2);
      expect(s3.objects(Bucket).get(reset)?.body.toString()).toBe('content');
    }
  });

  test('a listing that is cut in mid-answer', async () => {
    s3.seed(Bucket, 'a', 'x');
    const fault = s3.fault({ operation: 'ListObjectsV2', times: 1, reset: 'response-body' });
    const page = await connect().send(new ListObjectsV2Command({ Bucket }));
    expect(page.Contents?.map(({ Key }) => Key)).toEqual(['a']);
    expect(fault.hits).toBe(1);
  });

  test('until there have been enough attempts, which the error counts', async () => {
    s3.fault({ key: 'never', respond: { status: 500, code: 'InternalError' } });
    await expect(put(connect(), 'never')).rejects.toMatchObject({
      name: 'InternalError',
      $metadata: { attempts: MAX_ATTEMPTS },
    });
    expect(attemptsOf('never')).toBe(MAX_ATTEMPTS);
  });

  test('nothing once the caller has gone, not even during a pause', async () => {
    const gone = new AbortController();
    const fault = s3.fault({ key: 'left', respond: { status: 503, code: 'SlowDown' } });
    const outcome = expect(put(connect(), 'left', gone.signal)).rejects.toMatchObject({ name: 'AbortError' });
    await fault.reached();
    await s3.waitFor(({ key, endTime }) => key === 'left' && endTime !== undefined);
    gone.abort(new Error('gone'));
    await outcome;
    expect(attemptsOf('left')).toBe(1);
  });

  test('a request of a clock that is wrong, signed anew by the clock of the store', async () => {
    const hour = 3_600_000;
    const dates: unknown[] = [];
    const endpoint = await startServer((request, response, nth) => {
      dates.push(request.headers['x-amz-date']);
      response.setHeader('Date', new Date(Date.now() + hour).toUTCString());
      response.statusCode = nth === 1 ? 403 : 200;
      response.end(nth === 1 ? '<Error><Code>RequestTimeTooSkewed</Code></Error>' : '');
    });
    await put(connect(endpoint), 'late');
    const [first, second] = dates.map((date) => Date.parse(toIso(String(date))));
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(hour - 60_000);
    expect(dates).toHaveLength(2);
  });

  test('no request of a signature that is wrong in earnest', async () => {
    s3.fault({ key: 'forged', respond: { status: 403, code: 'SignatureDoesNotMatch' } });
    await expect(put(connect(), 'forged')).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    expect(attemptsOf('forged')).toBe(1);
  });
});

/** From `20260101T000000Z`, as in signatures. */
const toIso = (date: string) =>
  date.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z');

describe('a store that hangs', () => {
  test('is left, and the request sent again', async () => {
    const fault = s3.fault({ key: 'hung', times: 1, hang: 'request' });
    await put(connect(s3.endpoint, HASTY), 'hung');
    expect(fault.hits).toBe(1);
    expect(s3.objects(Bucket).has('hung')).toBe(true);
  });

  test('is given up after the third time', async () => {
    s3.fault({ key: 'hung', hang: 'request' });
    await expect(put(connect(s3.endpoint, HASTY), 'hung')).rejects.toMatchObject({
      name: 'TimeoutError',
      $metadata: { attempts: MAX_SILENT_ATTEMPTS },
    });
    expect(attemptsOf('hung')).toBe(MAX_SILENT_ATTEMPTS);
  });

  test.each(['CompleteMultipartUpload', 'CopyObject', 'UploadPartCopy'] as const)(
    'may take its time over %s',
    async (operation) => {
      const client = connect(s3.endpoint, HASTY);
      const fault = s3.fault({ operation, times: 1, hang: 'request' });
      const made = make(client, operation);
      await fault.reached();
      // Another request meets its end twice in that time.
      s3.fault({ key: 'other', times: 2, hang: 'request' });
      await put(client, 'other');
      fault.release();
      await made;
      expect(s3.requests.filter((request) => request.operation === operation)).toHaveLength(1);
    },
  );

  test('over a completion has an end as well', async () => {
    const fault = s3.fault({ operation: 'CopyObject', times: 1, hang: 'request' });
    await make(connect(s3.endpoint, { ...HASTY, usual: 3_600_000, patient: 500 }), 'CopyObject');
    expect(fault.hits).toBe(1);
  });
});

describe('connections', () => {
  test('that do not come about are given up after the third time', async () => {
    await expect(put(connect(await startMute(), HASTY), 'mute')).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'no connection within 300 ms',
      $metadata: { attempts: MAX_SILENT_ATTEMPTS },
    });
  });

  test('are waited for, however long others need them', async () => {
    const silence = { ...HASTY, usual: 3_600_000 };
    const hold = s3.fault({ hang: 'request' });
    const client = connect(s3.endpoint, silence);
    const puts = Promise.all(Array.from({ length: MAX_SOCKETS + 50 }, (_, n) => put(client, `${n}`)));
    await hold.reached(MAX_SOCKETS);
    // In this time a connection would have been given up three times.
    await put(connect(await startMute(), silence), 'mute').catch(() => undefined);
    expect(hold.hits).toBe(MAX_SOCKETS);
    hold.release();
    await puts;
    expect(s3.objects(Bucket).size).toBe(MAX_SOCKETS + 50);
  });
});

/** Runs one of the requests that S3 may answer by an error inside a 200, and returns the ETag that it gives. */
async function make(
  client: S3Client,
  operation: 'CompleteMultipartUpload' | 'CopyObject' | 'UploadPartCopy',
): Promise<string | undefined> {
  const Key = 'made';
  const CopySource = `${Bucket}/source`;
  s3.seed(Bucket, 'source', 'content');
  if (operation === 'CopyObject') {
    return (await client.send(new CopyObjectCommand({ Bucket, Key, CopySource }))).CopyObjectResult?.ETag;
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const part = { Bucket, Key, UploadId, PartNumber: 1 };
  if (operation === 'UploadPartCopy') {
    const { CopyPartResult } = await client.send(new UploadPartCopyCommand({ ...part, CopySource }));
    return CopyPartResult?.ETag;
  }
  const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: Buffer.from('content') }));
  const Parts = [{ PartNumber: 1, ETag }];
  const command = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
  return (await client.send(command)).ETag;
}

describe.each(['CompleteMultipartUpload', 'CopyObject', 'UploadPartCopy'] as const)(
  'an error inside a 200 of %s',
  (operation) => {
    test('is sent again when the store failed', async () => {
      const fault = s3.fault({ operation, times: 1, errorInside200: { code: 'InternalError' } });
      expect(await make(connect(), operation)).toMatch(/^"/);
      expect(fault.hits).toBe(1);
    });

    test('is an error, and not sent again when the store refused', async () => {
      const fault = s3.fault({ operation, errorInside200: { code: 'AccessDenied' } });
      await expect(make(connect(), operation)).rejects.toMatchObject({ name: 'AccessDenied' });
      expect(fault.hits).toBe(1);
    });

    test('is an error with a line break at its end too, which the SDK does not see', async () => {
      const errors = [
        '<Error><Code>InternalError</Code></Error>\n',
        '<Error><Code>AccessDenied</Code></Error>',
      ];
      const endpoint = await startServer(({ method, url, headers }, response) => {
        if (url?.includes('uploads')) response.end('<Result><UploadId>1</UploadId></Result>');
        else if (method === 'PUT' && headers['x-amz-copy-source'] === undefined) {
          response.setHeader('ETag', '"x"').end();
        } else response.end(`<?xml version="1.0"?>\n${errors.shift()}`);
      });
      await expect(make(connect(endpoint), operation)).rejects.toMatchObject({
        name: 'AccessDenied',
        $metadata: { attempts: 2 },
      });
    });
  },
);

test('a read whose answer is cut is an error, never half of it', async () => {
  s3.seed(Bucket, 'read', Buffer.alloc(100_000));
  s3.fault({ operation: 'GetObject', reset: 'response-body' });
  const { Body } = await connect().send(new GetObjectCommand({ Bucket, Key: 'read' }));
  await expect(Body?.transformToByteArray()).rejects.toThrow();
});
