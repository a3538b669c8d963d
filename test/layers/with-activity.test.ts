import { describe, expect, test } from 'vitest';
import type { EndedUpload } from '../../src/contract/activity.ts';
import { FsError } from '../../src/contract/errors.ts';
import { LiveUploads } from '../../src/layers/live-uploads.ts';
import { withActivity } from '../../src/layers/with-activity.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog } from '../support/collect-log.ts';
import { collectMetrics } from '../support/collect-metrics.ts';
import { watchUploads } from '../support/sftp-driver.ts';

const CREATE = { create: true, exclusive: false, truncate: true, append: false };

function create(hooks: Parameters<typeof watchUploads>[0] = {}) {
  const live = new LiveUploads();
  const { log, lines } = collectLog();
  const { metrics, read } = collectMetrics();
  const ended: EndedUpload[] = [];
  const listener = {
    uploadEnded: (upload: EndedUpload) => void ended.push(upload),
    jobSent: () => undefined,
  };
  const backend = withActivity(watchUploads(hooks).backend, { live, metrics, log, listener });
  const begin = () => backend.beginWrite({ ...createTestContext(), uploadId: 'id' }, '/a', CREATE);
  return { live, lines, read, ended, begin };
}

describe('an upload in progress', () => {
  test('is there from OPEN to the end, with what has come so far', async () => {
    const { live, begin } = create();
    const upload = await begin();
    expect(live.list()).toMatchObject([
      { id: 'id', path: '/a', username: 'tester', bytes: 0, isFinishing: false, expectedBytes: undefined },
    ]);
    await upload.writeChunk(0, Buffer.alloc(10));
    await upload.writeChunk(0, Buffer.alloc(10));
    expect(live.list()).toMatchObject([{ bytes: 10 }]);
    expect(live.receivedBytes).toBe(20);
    const closing = upload.finishWrite();
    expect(live.list()).toMatchObject([{ isFinishing: true }]);
    await closing;
    expect(live.list()).toEqual([]);
    expect(live.count).toBe(0);
    expect(live.receivedBytes).toBe(20);
  });

  test('whose size is set ahead is expected to have it', async () => {
    const { live, begin } = create();
    const upload = await begin();
    await upload.setSize(1000);
    expect(live.list()[0]?.expectedBytes).toBe(1000);
    await upload.abortWrite();
  });
});

describe('an upload that has ended', () => {
  test.each([
    ['finished', 'ok', 'CLOSE', 'info', {}],
    ['aborted', 'ECONNABORTED', 'PARTIAL_CLOSE', 'warn', {}],
    [
      'failed',
      'ENOSPC',
      'PARTIAL_CLOSE',
      'warn',
      { finishWrite: () => Promise.reject(new FsError('ENOSPC', 'full')) },
    ],
  ] as const)('is told once: %s', async (outcome, result, activityType, level, hooks) => {
    const { lines, read, ended, begin } = create(hooks);
    const upload = await begin();
    await upload.writeChunk(0, Buffer.alloc(7));
    if (outcome === 'aborted') await upload.abortWrite();
    else await upload.finishWrite().catch(() => undefined);
    await upload.abortWrite().catch(() => undefined);
    expect(lines.slice(1)).toMatchObject([
      { level, message: `upload ${outcome}`, fields: { activityType, result, bytesIn: 7, path: '/a' } },
    ]);
    expect(ended).toMatchObject([{ id: 'id', path: '/a', bytes: 7, result }]);
    expect(await read('sluice.uploads')).toMatchObject([
      { attributes: { 'sluice.result': result }, value: 1 },
    ]);
    expect(await read('sluice.upload.size')).toMatchObject([{ value: { count: 1, sum: 7 } }]);
  });

  test('before it began counts as failed, and is in no list', async () => {
    const { live, ended, begin } = create({
      beginWrite: () => Promise.reject(new FsError('EACCES', 'not yours')),
    });
    await expect(begin()).rejects.toThrow();
    expect(live.count).toBe(0);
    expect(ended).toMatchObject([{ result: 'EACCES', bytes: 0 }]);
  });
});
