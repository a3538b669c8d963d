import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestContext } from '../../../src/testing/index.ts';
import { createS3Subject, type S3Subject } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const Bucket = 'bucket';
/** Names that XML cannot hold, that it holds escaped, that URLs and headers could trip over. */
const NAMES = [
  ...['\x01', 'a\x0bb', 'a\x1b[2J', '\ufffe', '\uffff'],
  ...['\r', 'a\r\nb', '\t', '\x7f', '\u0085', '\u2028', '<&>"\'', ']]>', '&#1;', '&amp;', ' ', 'a '],
  ...['%', '%2f', '+', '?x=y', '#', '\\', '\u{1f4a9}', 'a\r\nx-amz-acl: public-read'],
];

let s3: StrictS3;
let subject: S3Subject;

beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [Bucket] });
  subject = createS3Subject(s3.endpoint, Bucket, { prefix: 'tenants/acme/' });
});
afterEach(async () => {
  subject.close();
  await s3.close();
});

const context = createTestContext();
const keys = () => [...s3.objects(Bucket).keys()].sort();

test('a directory with files of any name can be renamed, and nothing of it stays behind', async () => {
  for (const name of NAMES) await subject.backend.writeFile(context, `/from/${name}`, Buffer.from(name));
  await subject.backend.rename(context, '/from', '/to');
  expect(keys()).toEqual(NAMES.map((name) => `tenants/acme/to/${name}`).sort());
});

test('a file of any name is written, listed, copied by a rename, read and deleted', async () => {
  for (const name of NAMES) {
    await subject.backend.writeFile(context, `/${name}`, Buffer.from(name));
    await subject.backend.rename(context, `/${name}`, `/2-${name}`);
    const listed: string[] = [];
    for await (const page of subject.backend.listDir(context, '/'))
      listed.push(...page.map((entry) => entry.name));
    expect(listed).toEqual([`2-${name}`]);
    expect(Buffer.from(await subject.backend.readFile(context, `/2-${name}`)).toString()).toBe(name);
    await subject.backend.delete(context, `/2-${name}`);
    expect(keys()).toEqual([]);
  }
});
