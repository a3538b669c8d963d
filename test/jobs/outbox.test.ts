import { PurgeQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOutboxStore } from '../../src/backends/s3/outbox-store.ts';
import { type Emulators, startEmulators } from '../../src/cli/dev/emulators.ts';
import type { OutboxStore } from '../../src/contract/outbox-store.ts';
import { MessageRefusedError } from '../../src/jobs/event-sender.ts';
import { Outbox } from '../../src/jobs/outbox.ts';
import { createSqsClient } from '../../src/jobs/sqs-client.ts';
import { createSqsSender } from '../../src/jobs/sqs-sender.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog, type LogLine } from '../support/collect-log.ts';
import { finishedEvent as job } from '../support/events.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { receiveEvents } from '../support/receive-all.ts';
import { createS3Subject, type S3Subject } from '../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../support/strict-s3/server.ts';

const BUCKET = 'bucket';
const CALL = createTestContext();
const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
const SEND = { target: 'AmazonSQS.SendMessageBatch' };
const REFUSES = { ...SEND, respond: { status: 400, body: '{"__type":"x#Down"}' } };
const NOTHING = { delivered: 0, refused: 0, failed: 0, waiting: 0 };

let s3: StrictS3;
let emulators: Emulators;
let sqs: FaultProxy;
let subject: S3Subject;
let store: OutboxStore;
let client: SQSClient;
let lines: LogLine[];
let tasks: Outbox[];
let clock: number;

beforeAll(async () => {
  emulators = await startEmulators();
  sqs = await startFaultProxy(emulators.aws.endpoint);
});
afterAll(async () => {
  await sqs.close();
  await emulators.stop();
});
beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [BUCKET] });
  subject = createS3Subject(s3.endpoint, BUCKET);
  store = createOutboxStore(subject.store);
  client = createSqsClient({ ...emulators.aws, endpoint: sqs.endpoint });
  await client.send(new PurgeQueueCommand({ QueueUrl: emulators.queueUrl }));
  lines = [];
  tasks = [];
  clock = Date.now();
});
afterEach(async () => {
  sqs.clearFaults();
  await Promise.all(tasks.map((task) => task.close()));
  client.destroy();
  subject.close();
  await s3.close();
});

/** A task of its own, with its own connection to the queue. All have the same clock, which only the test moves. */
function createTask(): Outbox {
  const own = createSqsClient({ ...emulators.aws, endpoint: sqs.endpoint });
  const { log } = collectLog(lines);
  const sender = createSqsSender({ client: own, queueUrl: emulators.queueUrl, groupBy: 'principal' });
  const task = new Outbox({ store, sender, log, now: () => clock });
  tasks.push(task);
  return task;
}

const sends = () => sqs.requests.filter(({ target }) => target === SEND.target).length;
const records = (folder = 'outbox') =>
  [...s3.objects(BUCKET).keys()].filter((key) => key.startsWith(`.sluice/${folder}/`));

const receive = () => receiveEvents(client, emulators.queueUrl);
const received = async () => (await receive()).map(({ id }) => id).sort();

/** Events whose task has died with them in the outbox. */
async function leaveBehind(ids: readonly string[]): Promise<void> {
  sqs.fault(REFUSES);
  const task = createTask();
  for (const id of ids) expect(await task.deliver(job(id))).toBe('outbox');
  await task.close();
  sqs.clearFaults();
}

describe('a job', () => {
  test('goes to the queue, and no record of it is made', async () => {
    expect(await createTask().deliver(job('a'))).toBe('queue');
    expect(await received()).toEqual(['a']);
    expect(records()).toEqual([]);
  });

  test('that the queue refuses to take now is kept, and delivered by a sweep, unchanged', async () => {
    const task = createTask();
    sqs.fault(REFUSES);
    expect(await task.deliver(job('a'))).toBe('outbox');
    expect(records()).toHaveLength(1);
    expect(lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('outbox') }]);
    sqs.clearFaults();
    expect(await task.sweep()).toMatchObject({ ...NOTHING, delivered: 1 });
    expect(await receive()).toEqual([job('a')]);
    expect(records()).toEqual([]);
    expect(await task.sweep()).toMatchObject(NOTHING);
  });

  test('that the queue does not answer is kept after a few seconds', async () => {
    sqs.fault({ ...SEND, hang: 'request' });
    const before = performance.now();
    expect(await createTask().deliver(job('a'))).toBe('outbox');
    expect(performance.now() - before).toBeLessThan(6 * SECOND_MS);
  });

  test('right after a failure is kept without asking the queue, a little later it is asked again', async () => {
    const task = createTask();
    sqs.fault(REFUSES);
    await task.deliver(job('a'));
    const asked = sends();
    await Promise.all(['b', 'c'].map((id) => task.deliver(job(id))));
    expect(sends()).toBe(asked);
    sqs.clearFaults();
    clock += 6 * SECOND_MS;
    expect(await task.deliver(job('d'))).toBe('queue');
  });

  test('that would never be taken is a failure, and not kept', async () => {
    const Failed = [{ Id: '0', Code: 'InvalidMessageContents', Message: 'no', SenderFault: true }];
    sqs.fault({ ...SEND, respond: { status: 200, body: JSON.stringify({ Successful: [], Failed }) } });
    await expect(createTask().deliver(job('a'))).rejects.toBeInstanceOf(MessageRefusedError);
    expect(records()).toEqual([]);
  });

  test('that cannot be kept either is a failure', async () => {
    sqs.fault(REFUSES);
    s3.fault({ operation: 'PutObject', respond: { status: 403, code: 'AccessDenied' } });
    await expect(createTask().deliver(job('a'))).rejects.toThrow();
  });

  test('kept while the queue was away is delivered by itself, soon after it is back', async () => {
    const task = createTask();
    sqs.fault(REFUSES);
    await task.deliver(job('a'));
    sqs.clearFaults();
    await s3.waitFor(({ operation, status }) => operation === 'DeleteObject' && status === 204);
    expect(await received()).toEqual(['a']);
  });
});

test('as soon as the queue takes a job again, those that wait are delivered', async () => {
  const task = createTask();
  sqs.fault(REFUSES);
  await task.deliver(job('a'));
  // A sweep that fails makes the next one later: by four seconds now.
  await expect
    .poll(() => lines.map(({ message }) => message), { interval: 10, timeout: 10_000 })
    .toContain('jobs wait in the outbox');
  sqs.clearFaults();
  clock += 6 * SECOND_MS;
  const recovered = performance.now();
  await task.deliver(job('b'));
  await s3.waitFor(({ operation, status }) => operation === 'DeleteObject' && status === 204);
  expect(performance.now() - recovered).toBeLessThan(2 * SECOND_MS);
  expect(await received()).toEqual(['a', 'b']);
});

describe('a sweep', () => {
  test('leaves the fresh records of other tasks to them, and takes those of a task that died', async () => {
    await leaveBehind(['a', 'b']);
    const task = createTask();
    expect(await task.sweep()).toMatchObject({ ...NOTHING, waiting: 2 });
    clock += 31 * SECOND_MS;
    expect(await task.sweep()).toMatchObject({ ...NOTHING, delivered: 2 });
    expect(await received()).toEqual(['a', 'b']);
  });

  test('begins by itself when a task starts', async () => {
    await leaveBehind(['a']);
    clock += 31 * SECOND_MS;
    createTask().start();
    await s3.waitFor(({ operation, status }) => operation === 'DeleteObject' && status === 204);
    expect(await received()).toEqual(['a']);
  });

  test('beside those of other tasks delivers each job once', async () => {
    const ids = Array.from({ length: 60 }, (_, index) => `job-${String(index).padStart(2, '0')}`);
    await leaveBehind(ids);
    clock += 31 * SECOND_MS;
    const results = await Promise.all([createTask(), createTask(), createTask()].map((task) => task.sweep()));
    expect(results.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(ids.length);
    expect(await received()).toEqual(ids);
    expect(records()).toEqual([]);
  });

  test('of many goes in few requests', async () => {
    await leaveBehind(Array.from({ length: 40 }, (_, index) => `job-${index}`));
    clock += 31 * SECOND_MS;
    const before = sends();
    await createTask().sweep();
    // Four or five at best; a machine with much else to do lets some of them wait for too long.
    expect(sends() - before).toBeLessThanOrEqual(30);
  });

  test('ends soon when the queue takes nothing, and a later one goes on', async () => {
    const ids = Array.from({ length: 90 }, (_, index) => `job-${index}`);
    await leaveBehind(ids);
    clock += 31 * SECOND_MS;
    sqs.fault(REFUSES);
    const task = createTask();
    expect(await task.sweep()).toMatchObject({ delivered: 0, failed: 40 });
    sqs.clearFaults();
    clock += 31 * SECOND_MS;
    expect(await task.sweep()).toMatchObject({ delivered: 90, failed: 0 });
    expect((await received()).length).toBe(90);
  });

  test('is not held up by one that always fails among others that are not to be sent yet', async () => {
    const task = createTask();
    const early = Array.from({ length: 40 }, (_, index) => ({
      ...job(`early-${index}`),
      time: '1960-01-01T00:00:00Z',
    }));
    for (const event of early) await task.prepare(event);
    await leaveBehind(['a', 'b', 'c']);
    clock += 31 * SECOND_MS;
    const key = early[7]?.data.key ?? '';
    s3.fault({ operation: 'HeadObject', key, respond: { status: 403, code: 'AccessDenied' } });
    expect(await createTask().sweep()).toMatchObject({ delivered: 3, failed: 1, waiting: 39 });
    expect(await received()).toEqual(['a', 'b', 'c']);
  });

  test('leaves behind how many wait and since when, those that it did not come to included', async () => {
    const early = { ...job('early'), time: '1960-01-01T00:00:00.250Z' };
    await leaveBehind(Array.from({ length: 90 }, (_, index) => `late-${index}`));
    await createTask().prepare(early);
    clock += 31 * SECOND_MS;
    const task = createTask();
    expect(task.state).toEqual({ depth: 0, oldestAt: undefined });
    sqs.fault(REFUSES);
    await task.sweep();
    expect(task.state.depth).toBe(91);
    expect(task.state.oldestAt).toBe(Date.parse(early.time));
    sqs.clearFaults();
    clock += 31 * SECOND_MS;
    await task.sweep();
    // What is prepared waits for its file.
    expect(task.state).toEqual({ depth: 1, oldestAt: Date.parse(early.time) });
  });

  test('that cannot read the outbox says so and does not reject', async () => {
    s3.fault({ operation: 'ListObjectsV2', respond: { status: 403, code: 'AccessDenied' } });
    expect(await createTask().sweep()).toMatchObject({ failed: 1 });
    expect(lines.map(({ message }) => message)).toContain('the outbox could not be read');
  });
});

describe('a record that cannot be delivered', () => {
  test('for what the queue says of it is set aside and reported; moved back it is tried again', async () => {
    await leaveBehind(['a']);
    clock += 31 * SECOND_MS;
    const [first = ''] = records();
    const Failed = [{ Id: '0', Code: 'InvalidMessageContents', Message: 'not this', SenderFault: true }];
    const respond = { status: 200, body: JSON.stringify({ Successful: [], Failed }) };
    sqs.fault({ ...SEND, times: 1, respond });
    expect(await createTask().sweep()).toMatchObject({ ...NOTHING, refused: 1 });
    expect(records()).toEqual([]);
    const [aside = ''] = records('refused');
    expect(lines.at(-1)).toMatchObject({
      level: 'error',
      fields: { record: aside.slice('.sluice/'.length), reason: 'InvalidMessageContents: not this' },
    });
    const text = (await store.get(aside.slice('.sluice/'.length)))?.text ?? '';
    expect(text).toContain('not this');
    await store.put(first.slice('.sluice/'.length), text);
    clock += 31 * SECOND_MS;
    expect(await createTask().sweep()).toMatchObject({ delivered: 1 });
    expect(await receive()).toEqual([job('a')]);
  });

  test('for it is none is set aside as it is, and the others are delivered', async () => {
    await leaveBehind(['a']);
    await store.put('outbox/0-by-hand.json', '{"hello":');
    clock += 31 * SECOND_MS;
    expect(await createTask().sweep()).toMatchObject({ delivered: 1, refused: 1 });
    expect((await store.get('refused/0-by-hand.json'))?.text).toBe('{"hello":');
    expect(await received()).toEqual(['a']);
  });

  test('is reported again whenever a task starts', async () => {
    await store.put('refused/one.json', '?');
    createTask().start();
    await expect
      .poll(() => lines, { interval: 5 })
      .toMatchObject([{ level: 'error', fields: { record: 'refused/one.json', count: 1 } }]);
  });
});

describe('an event that was noted down before its file was there', () => {
  const stored = { key: 'tenants/a/a', size: 3 };
  /** The file comes to stand under its name, by the upload of that id. */
  const storeFile = (uploadId: string) =>
    subject.backend
      .beginWrite(CALL, `/${stored.key}`, {
        create: true,
        exclusive: false,
        truncate: true,
        append: false,
        notes: { 'upload-id': uploadId },
      })
      .then(async (upload) => {
        await upload.writeChunk(0, Buffer.from('abc'));
        return await upload.finishWrite();
      });

  test('is sent by another task if the file came: with what the store says of it', async () => {
    await createTask().prepare(job('a'));
    const { etag, checksum } = await storeFile('a');
    expect(await createTask().sweep()).toMatchObject({ ...NOTHING, waiting: 1 });
    clock += 31 * SECOND_MS;
    expect(await createTask().sweep()).toMatchObject({ ...NOTHING, delivered: 1 });
    const [event] = await receive();
    expect(event).toMatchObject({ id: 'a', data: { ...stored, etag, checksum, versionId: null } });
    expect(records()).toEqual([]);
  });

  test.each(['nothing', 'the file of another upload'])(
    'waits while %s is there, and is dropped after an hour',
    async (what) => {
      if (what !== 'nothing') await storeFile('another');
      await createTask().prepare(job('a'));
      clock += 0.9 * HOUR_MS;
      expect(await createTask().sweep()).toMatchObject({ ...NOTHING, waiting: 1 });
      expect(records()).toHaveLength(1);
      clock += 0.2 * HOUR_MS;
      await createTask().sweep();
      expect(records()).toEqual([]);
      expect(await received()).toEqual([]);
    },
  );

  test('is gone when it has been sent, and when it is withdrawn', async () => {
    const task = createTask();
    const [sent, withdrawn] = [await task.prepare(job('a')), await task.prepare(job('b'))];
    expect(records()).toHaveLength(2);
    expect(await task.deliver(job('a'), sent)).toBe('queue');
    await task.withdraw(withdrawn);
    await task.close();
    expect(records()).toEqual([]);
    expect(await received()).toEqual(['a']);
  });

  test('becomes the record of what the queue does not take: there is one', async () => {
    const task = createTask();
    const prepared = await task.prepare(job('a'));
    sqs.fault(REFUSES);
    expect(await task.deliver({ ...job('a'), time: new Date(9).toISOString() }, prepared)).toBe('outbox');
    expect(records()).toHaveLength(1);
    sqs.clearFaults();
    expect(await task.sweep()).toMatchObject({ delivered: 1 });
    expect((await receive()).map(({ time }) => time)).toEqual([new Date(9).toISOString()]);
  });
});
