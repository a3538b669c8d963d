import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOutboxStore } from '../../src/backends/s3/outbox-store.ts';
import { type Emulators, startEmulators } from '../../src/cli/dev/emulators.ts';
import type { JobsConfig } from '../../src/config/load.ts';
import type { FailedUpload, JobPublisher } from '../../src/contract/jobs.ts';
import { createJobs } from '../../src/jobs/create.ts';
import type { CreatedJobs } from '../../src/jobs/created-jobs.ts';
import { jobEvent } from '../../src/jobs/event.ts';
import { createSqsClient } from '../../src/jobs/sqs-client.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog, type LogLine } from '../support/collect-log.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { receiveAll, receiveEvents } from '../support/receive-all.ts';
import { createS3Subject, type S3Subject } from '../support/s3-subject.ts';
import { deferred } from '../support/sftp-driver.ts';
import { type StrictS3, startStrictS3 } from '../support/strict-s3/server.ts';

const BUCKET = 'bucket';
const SEND = { target: 'AmazonSQS.SendMessageBatch' };
const REFUSES = { ...SEND, respond: { status: 400, body: '{"__type":"x#Down"}' } };
const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

const { principal, connection } = createTestContext({ principal: { username: 'acme' } });

let emulators: Emulators;
let proxy: FaultProxy;
let client: SQSClient;
let s3: StrictS3;
let subject: S3Subject;
let lines: LogLine[];
let running: JobPublisher[];
let queues = 0;

beforeAll(async () => {
  emulators = await startEmulators();
  proxy = await startFaultProxy(emulators.aws.endpoint);
  client = createSqsClient({ ...emulators.aws, endpoint: proxy.endpoint });
});
afterAll(async () => {
  client.destroy();
  await proxy.close();
  await emulators.stop();
});
beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [BUCKET] });
  subject = createS3Subject(s3.endpoint, BUCKET);
  lines = [];
  running = [];
});
afterEach(async () => {
  proxy.clearFaults();
  await Promise.all(running.map((publisher) => publisher.close()));
  subject.close();
  await s3.close();
});

/** The URL of a queue that nobody has used. */
async function createQueue(ending = ''): Promise<string> {
  const QueueName = `queue-${++queues}${ending}`;
  const Attributes = ending === '.fifo' ? { FifoQueue: 'true' } : {};
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
  return QueueUrl;
}

/** As the service makes them, with an outbox unless told otherwise. */
function start(config: Pick<JobsConfig, 'queueUrl' | 'failureQueueUrl'>, hasOutbox = true): CreatedJobs {
  const created = createJobs(
    {
      groupBy: 'principal',
      everyObject: false,
      reportsRenames: false,
      sidecar: undefined,
      aws: { ...emulators.aws, endpoint: proxy.endpoint },
      ...config,
    },
    {
      outboxStore: hasOutbox ? createOutboxStore(subject.store) : undefined,
      serviceName: 'sluice',
      log: collectLog(lines).log,
      observeAwsCalls: () => undefined,
    },
  );
  running.push(created.publisher);
  return created;
}

const failed = (id: string): FailedUpload => ({
  id,
  path: `/${id}`,
  location: { bucket: BUCKET, key: `tenants/acme/${id}` },
  principal,
  connection,
  startedAt: new Date(1),
  failedAt: new Date(2),
  outcome: 'failed',
  error: { code: 'EIO', message: 'EIO: no' },
  bytes: 3,
});

async function publish(publisher: JobPublisher, id: string) {
  const { outcome: _o, error: _e, bytes: _b, failedAt: _f, ...delivery } = failed(id);
  const job = await publisher.announce(delivery);
  return await job.publish({ size: 3 });
}

const receive = (queueUrl: string) => receiveAll(client, queueUrl);
const received = (queueUrl: string) => receiveEvents(client, queueUrl);
const kinds = async (queueUrl: string) =>
  (await received(queueUrl)).map(({ type, id }) => `${type.replace(/^sluice\.upload\.|\.v1$/g, '')} ${id}`);
const sends = () => proxy.requests.filter(({ target }) => target === SEND.target).length;
const records = () => [...s3.objects(BUCKET).keys()].filter((key) => key.startsWith('.sluice/'));

describe('the report of a failed upload', () => {
  test('goes to the failure queue, jobs to theirs', async () => {
    const [queueUrl, failureQueueUrl] = [await createQueue(), await createQueue()];
    const { publisher } = start({ queueUrl, failureQueueUrl });
    expect(await publisher.reportFailure(failed('a'), TRACE)).toBe('queue');
    expect(await publish(publisher, 'b')).toBe('queue');
    const [message] = await receive(failureQueueUrl);
    expect(jobEvent.parse(JSON.parse(message?.Body ?? ''))).toMatchObject({
      type: 'sluice.upload.failed.v1',
      id: 'a',
      ...TRACE,
      data: { path: '/a', outcome: 'failed', error: { code: 'EIO', message: 'EIO: no' }, bytes: 3 },
    });
    expect(message?.MessageAttributes).toMatchObject({
      type: { StringValue: 'sluice.upload.failed.v1' },
      username: { StringValue: 'acme' },
      prefix: { StringValue: 'tenants/acme/' },
      traceparent: { StringValue: TRACE.traceparent },
    });
    expect(await kinds(queueUrl)).toEqual(['finished b']);
    expect(records()).toEqual([]);
  });

  test('goes to the queue of the jobs where that is the one for both', async () => {
    const queueUrl = await createQueue();
    const { publisher } = start({ queueUrl, failureQueueUrl: queueUrl });
    await publisher.reportFailure(failed('a'));
    await publish(publisher, 'b');
    expect((await kinds(queueUrl)).sort()).toEqual(['failed a', 'finished b']);
  });

  test.each([
    ['.fifo', ''],
    ['', '.fifo'],
  ])('knows its own queue, "%s" beside "%s" for the jobs', async (ending, jobsEnding) => {
    const [queueUrl, failureQueueUrl] = [await createQueue(jobsEnding), await createQueue(ending)];
    const { publisher } = start({ queueUrl, failureQueueUrl });
    for (let n = 0; n < 2; n++) {
      await publisher.reportFailure(failed('a'));
      await publish(publisher, 'b');
    }
    const groups = async (url: string) =>
      (await receive(url)).map(({ Attributes }) => Attributes?.MessageGroupId);
    expect(await groups(failureQueueUrl)).toEqual(ending === '' ? [undefined, undefined] : ['acme']);
    expect(await groups(queueUrl)).toEqual(jobsEnding === '' ? [undefined, undefined] : ['acme']);
  });

  test('is none where no failure queue is set', async () => {
    const queueUrl = await createQueue();
    const { publisher, probes } = start({ queueUrl, failureQueueUrl: undefined });
    expect(await publisher.reportFailure(failed('a'))).toBeUndefined();
    expect(await kinds(queueUrl)).toEqual([]);
    expect([...probes.keys()]).toEqual(['queue']);
  });

  test('goes with others of the same moment', async () => {
    const failureQueueUrl = await createQueue();
    const { publisher } = start({ queueUrl: await createQueue(), failureQueueUrl });
    const before = sends();
    const ids = Array.from({ length: 25 }, (_, index) => `id-${10 + index}`);
    await Promise.all(ids.map((id) => publisher.reportFailure(failed(id))));
    expect(sends() - before).toBeLessThanOrEqual(4);
    expect((await received(failureQueueUrl)).map(({ id }) => id).sort()).toEqual(ids);
  });

  test('is durable before the publisher is closed, one way or the other', async () => {
    const failureQueueUrl = await createQueue();
    const { publisher } = start({ queueUrl: await createQueue(), failureQueueUrl });
    proxy.fault({ ...REFUSES, times: 1 });
    void publisher.reportFailure(failed('a'));
    await publisher.close();
    expect(records()).toHaveLength(1);
    expect(await kinds(failureQueueUrl)).toEqual([]);
  });
});

describe('a failure queue that takes nothing', () => {
  test('has the reports kept apart from the jobs, and delivered once it does; jobs go on meanwhile', async () => {
    const queueUrl = await createQueue();
    const failureQueueUrl = queueUrl.replace(/[^/]+$/, 'made-later');
    const { publisher, start: begin } = start({ queueUrl, failureQueueUrl });
    begin();
    expect(await publisher.reportFailure(failed('a'))).toBe('outbox');
    expect(records()).toEqual([expect.stringMatching(/^\.sluice\/failures\/outbox\/[^/]+-a\.json$/)]);
    // The outbox of the failures rests by now; that of the jobs does not.
    expect(await publish(publisher, 'b')).toBe('queue');
    expect(await kinds(queueUrl)).toEqual(['finished b']);
    await client.send(new CreateQueueCommand({ QueueName: 'made-later' }));
    await s3.waitFor(
      ({ operation, key, status }) =>
        operation === 'DeleteObject' && key?.startsWith('.sluice/failures/') === true && status === 204,
    );
    expect(await received(failureQueueUrl)).toMatchObject([{ id: 'a', data: { outcome: 'failed' } }]);
    expect(lines).toContainEqual({
      level: 'warn',
      fields: expect.objectContaining({ queue: 'made-later' }),
      message: expect.stringContaining('outbox'),
    });
  });

  test.each(['', 'failures/'])(
    'has its outbox swept from the start, as the jobs have: .sluice/%soutbox/',
    async (folder) => {
      const queueUrl = await createQueue();
      start({ queueUrl, failureQueueUrl: queueUrl }).start();
      await s3.waitFor(
        ({ query, status }) => query['prefix'] === `.sluice/${folder}outbox/` && status === 200,
      );
    },
  );

  test('is looked at by a probe of its own, which names the variable', async () => {
    const queueUrl = await createQueue();
    const { probes } = start({ queueUrl, failureQueueUrl: `${queueUrl}-missing` });
    expect(await probes.get('queue')?.()).toEqual({ state: 'ok' });
    expect(await probes.get('failure queue')?.()).toEqual({
      state: 'wrong',
      message: `the queue ${queueUrl}-missing does not exist (SLUICE_FAILURE_QUEUE_URL)`,
    });
  });

  test('without an outbox, or one that takes anything, loses the report: it is logged, and no failure', async () => {
    const queueUrl = await createQueue();
    proxy.fault(REFUSES);
    const urls = { queueUrl, failureQueueUrl: queueUrl };
    expect(await start(urls, false).publisher.reportFailure(failed('a'))).toBeUndefined();
    s3.fault({ operation: 'PutObject', respond: { status: 403, code: 'AccessDenied' } });
    expect(await start(urls).publisher.reportFailure(failed('b'))).toBeUndefined();
    const lost = lines.filter(({ message }) => message === 'a failed upload could not be reported');
    expect(lost.map(({ fields }) => fields['path'])).toEqual(['/a', '/b']);
  });

  test('holds up no more than 500 reports: what comes beyond is counted, in one line once all are through', async () => {
    const failureQueueUrl = await createQueue();
    const { publisher } = start({ queueUrl: await createQueue(), failureQueueUrl });
    const hold = proxy.fault({ ...SEND, hang: 'request', times: 25 });
    const half = deferred();
    let left = 250;
    const report = (id: string) => publisher.reportFailure(failed(id));
    const first = Array.from({ length: 500 }, async (_, n) => {
      const place = await report(`first-${n}`);
      if (--left === 0) half.resolve();
      return place;
    });
    expect(await report('beyond-1')).toBeUndefined();
    await half.promise;
    const second = Array.from({ length: 250 }, (_, n) => report(`second-${n}`));
    expect(await report('beyond-2')).toBeUndefined();
    hold.release();
    expect(await Promise.all([...first, ...second])).not.toContain(undefined);
    expect(await report('later')).toBeDefined();
    const dropped = lines.filter(({ message }) => message.includes('too many at once'));
    expect(dropped.map(({ fields }) => fields)).toEqual([{ dropped: 2 }]);
  });
});
