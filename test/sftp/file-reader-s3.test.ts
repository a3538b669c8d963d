import { afterEach, beforeEach, expect, test } from 'vitest';
import { createS3Subject, type S3Subject } from '../support/s3-subject.ts';
import { SftpDriver } from '../support/sftp-driver.ts';
import { close, Flag, read } from '../support/sftp-packets.ts';
import { type StrictS3, startStrictS3 } from '../support/strict-s3/server.ts';

const KiB = 1024;
const Bucket = 'bucket';

let s3: StrictS3;
let subject: S3Subject;

beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [Bucket] });
  subject = createS3Subject(s3.endpoint, Bucket);
  s3.seed(Bucket, 'file', Buffer.alloc(1024 * KiB, 'x'));
});
afterEach(async () => {
  subject.close();
  await s3.close();
});

/** A session that reads on, so that a second window is being fetched ahead, which S3 does not answer. */
async function fetchingAhead() {
  const { backend, budget } = subject;
  const driver = await SftpDriver.started({ backend, memory: budget });
  const handle = await driver.open('/file', Flag.READ);
  const held = s3.fault({ operation: 'GetObject', nth: 2, hang: 'request' });
  for (const at of [0, 32 * KiB]) await driver.expect('data', (id) => read(id, handle, at, 32 * KiB));
  await held.reached();
  return { driver, handle };
}

const dropped = () => s3.waitFor(({ operation, aborted }) => operation === 'GetObject' && aborted);
/** What is given back when the fetch has settled, which is no later than the next request's end. */
const settled = () => subject.store.head('file');

test('CLOSE drops the connection of what is being fetched ahead, and that is no fault', async () => {
  const { driver, handle } = await fetchingAhead();
  expect(await driver.code((id) => close(id, handle))).toBe(0);
  await dropped();
  await settled();
  expect(subject.budget.usedBytes).toBe(0);
  expect(driver.faults).toEqual([]);
});

test('a client that leaves drops the connections of its reads, and that is no fault', async () => {
  const { driver, handle } = await fetchingAhead();
  void driver.send(read(1, handle, 64 * KiB, 32 * KiB));
  await driver.session.end();
  await dropped();
  await settled();
  expect(subject.budget.usedBytes).toBe(0);
  expect(driver.faults).toEqual([]);
});
