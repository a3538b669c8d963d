import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createBackend } from '../../../src/backends/create.ts';
import { createSweeper, type Sweeper, type SweeperOptions } from '../../../src/backends/s3/sweeper.ts';
import { MemoryBudget } from '../../../src/buffers/budget.ts';
import { collectLog, type LogLine } from '../../support/collect-log.ts';
import { createS3Subject, type S3Subject, TEST_CREDENTIALS, TEST_REGION } from '../../support/s3-subject.ts';
import { type StrictS3, startStrictS3 } from '../../support/strict-s3/server.ts';

const Bucket = 'bucket';
const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
const NOTHING = { aborted: 0, deleted: 0, failed: 0, oldestMs: 0 };

let s3: StrictS3;
let subject: S3Subject;
let lines: LogLine[];
let sweepers: Sweeper[];

beforeEach(async () => {
  s3 = await startStrictS3({ buckets: [Bucket] });
  subject = createS3Subject(s3.endpoint, Bucket);
  lines = [];
  sweepers = [];
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(sweepers.map((sweeper) => sweeper.close()));
  subject.close();
  await s3.close();
});

function create(options: Partial<SweeperOptions> = {}): Sweeper {
  const { log } = collectLog(lines);
  const sweeper = createSweeper({
    store: subject.store,
    prefix: '',
    olderThanMs: WEEK_MS,
    log,
    now: () => Date.now(),
    ...options,
  });
  sweepers.push(sweeper);
  return sweeper;
}

/** A multipart upload that was begun so long ago. Returns its id. */
async function begin(Key: string, ageMs: number): Promise<string> {
  const { UploadId = '' } = await subject.store.client.send(
    new CreateMultipartUploadCommand({ Bucket, Key }),
  );
  const upload = s3.openUploads(Bucket).find(({ uploadId }) => uploadId === UploadId);
  upload?.initiated.setTime(Date.now() - ageMs);
  return UploadId;
}

function stage(key: string, ageMs: number): void {
  s3.seed(Bucket, key, 'x').lastModified.setTime(Date.now() - ageMs);
}

const open = () =>
  s3
    .openUploads(Bucket)
    .map(({ key }) => key)
    .sort();
const kept = () => [...s3.objects(Bucket).keys()].sort();
const sent = (name: string) => s3.requests.filter(({ operation }) => operation === name);

describe('a sweep', () => {
  test('aborts what is older than the limit and nothing younger, by the clock that it is given', async () => {
    await begin('old', WEEK_MS + HOUR_MS);
    await begin('young', WEEK_MS - HOUR_MS);
    const later = { now: () => Date.now() + 2 * HOUR_MS };
    const first = await create().sweep();
    expect(first).toMatchObject({ aborted: 1, deleted: 0, failed: 0 });
    expect(Math.round(first.oldestMs / HOUR_MS)).toBe(7 * 24 + 1);
    expect(open()).toEqual(['young']);
    expect(await create(later).sweep()).toMatchObject({ aborted: 1 });
    expect(open()).toEqual([]);
  });

  test('deletes staged objects that are as old, and no other object', async () => {
    stage('.sluice/staging/old ü+%', WEEK_MS + HOUR_MS);
    stage('.sluice/staging/young', WEEK_MS - HOUR_MS);
    stage('.sluice/outbox/job', 2 * WEEK_MS);
    stage('file', 2 * WEEK_MS);
    expect(await create().sweep()).toMatchObject({ aborted: 0, deleted: 1 });
    expect(kept()).toEqual(['.sluice/outbox/job', '.sluice/staging/young', 'file']);
  });

  test('leaves alone what this process still works on, however old', async () => {
    const id = await begin('mine', 2 * WEEK_MS);
    await begin('lost', 2 * WEEK_MS);
    stage('.sluice/staging/mine', 2 * WEEK_MS);
    const isActive = (what: string) => what === id || what === '.sluice/staging/mine';
    expect(await create({ isActive }).sweep()).toMatchObject({ aborted: 1, deleted: 0 });
    expect(open()).toEqual(['mine']);
    expect(kept()).toEqual(['.sluice/staging/mine']);
  });

  test('keeps to a static prefix and its own staged uploads', async () => {
    for (const key of ['in/a', 'inner', 'other/a', '.sluice/staging/a']) await begin(key, 2 * WEEK_MS);
    expect(await create({ prefix: '/in/' }).sweep()).toMatchObject({ aborted: 2 });
    expect(open()).toEqual(['inner', 'other/a']);
  });

  test.each(['', 'session:prefix'])('sees the whole bucket with the prefix "%s", once', async (prefix) => {
    for (const key of ['in/a', '.sluice/staging/a']) await begin(key, 2 * WEEK_MS);
    expect(await create({ prefix }).sweep()).toMatchObject({ aborted: 2, failed: 0 });
    expect(sent('ListMultipartUploads')).toHaveLength(1);
    expect(sent('AbortMultipartUpload')).toHaveLength(2);
  });

  test('reads every page, many uploads of one odd key across their borders among them', async () => {
    subject.store.client.middlewareStack.add(
      (next) => (args) => next({ ...args, input: { ...args.input, MaxUploads: 3 } }),
      { step: 'initialize' },
    );
    for (const key of ['a ü+%&\u0001', 'b/c'])
      for (let nth = 0; nth < 7; nth++) await begin(key, 2 * WEEK_MS);
    await begin('d', HOUR_MS);
    expect(await create().sweep()).toMatchObject({ aborted: 14, failed: 0 });
    expect(open()).toEqual(['d']);
    expect(sent('ListMultipartUploads')).toHaveLength(5);
  });

  test('comes to its end on a store that does not know where a list goes on', async () => {
    subject.store.client.middlewareStack.add(
      (next) => (args) =>
        next({
          ...args,
          input: { ...args.input, MaxUploads: 1, KeyMarker: undefined, UploadIdMarker: undefined },
        }),
      { step: 'initialize' },
    );
    for (const key of ['a', 'b', 'c']) await begin(key, 2 * WEEK_MS);
    expect(await create().sweep()).toMatchObject({ failed: 0 });
    expect(sent('ListMultipartUploads').length).toBeLessThan(4);
  });

  test('has few requests under way at once', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => begin(`k${index}`, 2 * WEEK_MS)));
    const hold = s3.fault({ operation: 'AbortMultipartUpload', hang: 'request' });
    const sweeping = create().sweep();
    await hold.reached(8);
    // A ninth would come before the answer to this.
    await subject.store.head('nothing');
    expect(hold.hits).toBe(8);
    hold.release();
    expect(await sweeping).toMatchObject({ aborted: 40 });
  });

  test('beside that of another task, or after it was faster, is no fault', async () => {
    for (const key of ['a', 'b', 'c']) await begin(key, 2 * WEEK_MS);
    // The other one has listed the same uploads when this one aborts them.
    const hold = s3.fault({ operation: 'AbortMultipartUpload', times: 3, hang: 'request' });
    const slow = create().sweep();
    await hold.reached(3);
    expect(await create().sweep()).toMatchObject({ aborted: 3, failed: 0 });
    hold.release();
    expect(await slow).toMatchObject({ aborted: 3, failed: 0 });
    expect(lines.map(({ level }) => level)).toEqual(['info', 'info']);
  });

  test('is joined by a second call while it runs', async () => {
    await begin('a', 2 * WEEK_MS);
    const sweeper = create();
    const results = await Promise.all([sweeper.sweep(), sweeper.sweep()]);
    expect(results[1]).toBe(results[0]);
    expect(sent('ListMultipartUploads')).toHaveLength(1);
    expect(await sweeper.sweep()).toEqual(NOTHING);
  });
});

describe('the log of a sweep', () => {
  test('says nothing when there was nothing to do', async () => {
    expect(await create().sweep()).toEqual(NOTHING);
    expect(lines).toEqual([]);
  });

  test('tells how many went and how old they were', async () => {
    await begin('a', 200 * HOUR_MS + 1000);
    stage('.sluice/staging/a', 170 * HOUR_MS);
    await create().sweep();
    expect(lines).toEqual([
      {
        level: 'info',
        fields: { aborted: 1, deleted: 1, oldestHours: 200 },
        message: 'abandoned uploads swept',
      },
    ]);
  });

  test.each([
    ['ListMultipartUploads', 's3:ListBucketMultipartUploads', 1],
    ['AbortMultipartUpload', 's3:AbortMultipartUpload', 2],
    ['ListObjectsV2', 's3:ListBucket', 1],
    ['DeleteObject', 's3:DeleteObject', 1],
  ] as const)(
    'names the permission when %s is denied, in one line',
    async (operation, permission, failed) => {
      for (const key of ['a', 'b']) await begin(key, 2 * WEEK_MS);
      stage('.sluice/staging/a', 2 * WEEK_MS);
      s3.fault({ operation, respond: { status: 403, code: 'AccessDenied' } });
      const result = await create().sweep();
      expect(result.failed).toBe(failed);
      const warnings = lines.filter(({ level }) => level === 'warn');
      expect(warnings).toHaveLength(1);
      expect(warnings[0]?.fields).toMatchObject({ bucket: Bucket, failed, err: { name: 'AccessDenied' } });
      expect(warnings[0]?.message).toBe(
        `abandoned uploads could not all be swept; the credentials need ${permission}`,
      );
    },
  );

  test('names no permission when something else went wrong, and the rest is swept', async () => {
    for (const key of ['a', 'b', 'c']) await begin(key, 2 * WEEK_MS);
    s3.fault({
      operation: 'AbortMultipartUpload',
      key: 'b',
      respond: { status: 400, code: 'InvalidRequest' },
    });
    expect(await create().sweep()).toMatchObject({ aborted: 2, failed: 1 });
    expect(open()).toEqual(['b']);
    const [warning] = lines.filter(({ level }) => level === 'warn');
    expect(warning?.message).toBe('abandoned uploads could not all be swept');
  });
});

test.each([
  [HOUR_MS, 1],
  [0, 0],
])(
  'a backend whose uploads are stale after %i ms sweeps %i times when it starts',
  async (staleUploadMs, times) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const aws = { endpoint: s3.endpoint, region: TEST_REGION, credentials: TEST_CREDENTIALS };
    const where = { bucket: Bucket, prefix: '', assumeRole: undefined, aws };
    const config = { kind: 's3', staleUploadMs, ...where } as const;
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const budget = new MemoryBudget(1024 * 1024);
    const backend = await createBackend(config, {
      budget,
      spool: undefined,
      log,
      observeAwsCalls: () => undefined,
    });
    backend.start();
    await vi.advanceTimersByTimeAsync(60_000);
    await backend.probe();
    if (times > 0) await s3.waitFor(({ operation }) => operation === 'ListMultipartUploads');
    await backend.close();
    expect(sent('ListMultipartUploads')).toHaveLength(times);
  },
);

describe('a sweeper that is started', () => {
  test('sweeps within a minute, and then every hour', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const sweeper = create();
    sweeper.start();
    random.mockRestore();
    const listed = () => s3.waitFor(({ operation }) => operation === 'ListMultipartUploads');
    await vi.advanceTimersByTimeAsync(29_999);
    expect(s3.requests).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await listed();
    for (let nth = 0; nth < 2; nth++) {
      // Joins the one that is under way: the next is due an hour after its end.
      await sweeper.sweep();
      s3.clearRequests();
      await vi.advanceTimersByTimeAsync(HOUR_MS - 1);
      expect(s3.requests).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      await listed();
    }
  });

  test('leaves the process free to end', () => {
    const unref = vi.spyOn(setTimeout(() => undefined, 0).constructor.prototype, 'unref');
    create().start();
    expect(unref).toHaveBeenCalledOnce();
    unref.mockRestore();
  });

  test('does nothing any more when it is closed, and close waits for what it does', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => begin(`k${index}`, 2 * WEEK_MS)));
    const hold = s3.fault({ operation: 'AbortMultipartUpload', hang: 'request' });
    const sweeper = create();
    let ended = false;
    const sweeping = sweeper.sweep().finally(() => {
      ended = true;
    });
    await hold.reached(8);
    await sweeper.close();
    expect(ended).toBe(true);
    expect(await sweeping).toMatchObject({ aborted: 0, failed: 0 });
    expect(lines).toEqual([]);
    expect(sent('AbortMultipartUpload')).toHaveLength(8);
  });
});
