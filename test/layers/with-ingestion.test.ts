import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend, Upload } from '../../src/contract/backend.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { contentOf, deferred, isSettled, type UploadHooks, watchUploads } from '../support/sftp-driver.ts';
import { type JobHooks, SILENT, watchJobs } from '../support/watch-jobs.ts';

const REPLACE = { create: true, exclusive: false, truncate: true, append: false };
const call = { ...createTestContext({ principal: { username: 'acme' } }), uploadId: 'upload-1' };

interface Hooks {
  readonly job?: JobHooks;
  readonly upload?: UploadHooks;
  readonly reportsRenames?: boolean;
}

/** A watched backend whose jobs are watched too, in one list of calls. */
function ingesting({ job, upload, reportsRenames = false }: Hooks = {}) {
  const { backend: inner, calls } = watchUploads(upload);
  const { jobs, publisher } = watchJobs(job, calls);
  const isTemporary = (path: string) => path.endsWith('.part');
  return {
    backend: withIngestion(inner, { publisher, isTemporary, reportsRenames, log: SILENT }),
    inner,
    calls,
    jobs,
  };
}

async function begin(backend: StreamingBackend, path = '/a', context = call): Promise<Upload> {
  const upload = await backend.beginWrite(context, path, REPLACE);
  await upload.writeChunk(0, Buffer.from('hello'));
  return upload;
}

const finish = async (...args: Parameters<typeof begin>) => (await begin(...args)).finishWrite();

describe('an upload', () => {
  test('has one job, announced before its end, published after it and before the answer', async () => {
    const durable = deferred();
    const { backend, calls } = ingesting({ job: { publish: () => durable.promise } });
    const upload = await begin(backend);
    const finished = upload.finishWrite();
    expect(await isSettled(finished)).toBe(false);
    expect(calls).toEqual(['begin /a', 'write 0+5', 'announce /a', 'finish /a', 'finished /a', 'publish /a']);
    expect(await contentOf(backend, '/a')).toBe('hello');
    durable.resolve();
    await finished;
    expect(calls.filter((name) => name.startsWith('publish'))).toHaveLength(1);
  });

  test('its job tells who, what, where and when', async () => {
    const { backend, jobs } = ingesting();
    const before = Date.now();
    const stored = await finish(backend);
    const [{ delivery, stored: told } = {}] = jobs;
    expect(delivery).toMatchObject({
      id: 'upload-1',
      path: '/a',
      location: { bucket: 'memory', key: 'a' },
      principal: call.principal,
      connection: call.connection,
    });
    expect(told).toBe(stored);
    expect(stored).toMatchObject({ size: 5, notes: { 'upload-id': 'upload-1' } });
    expect(delivery?.startedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(delivery?.startedAt.getTime()).toBeLessThanOrEqual(Date.now());
  });

  test('whose job cannot be published fails with that error', async () => {
    const error = new Error('SQS is gone');
    const { backend } = ingesting({ job: { publish: () => Promise.reject(error) } });
    await expect(finish(backend)).rejects.toBe(error);
  });

  test('whose job cannot be announced fails with that error, and leaves no file', async () => {
    const error = new Error('the bucket is gone');
    const { backend, calls } = ingesting({ job: { announce: () => Promise.reject(error) } });
    await expect(finish(backend)).rejects.toBe(error);
    expect(calls).toEqual(['begin /a', 'write 0+5', 'announce /a', 'abort /a']);
    expect(await contentOf(backend, '/a')).toBeUndefined();
  });

  test('that is aborted has no job', async () => {
    const { backend, calls } = ingesting();
    await (await begin(backend)).abortWrite();
    expect(calls).toEqual(['begin /a', 'write 0+5', 'abort /a']);
  });

  test('that the backend cannot finish has its job withdrawn', async () => {
    const { backend, jobs, calls } = ingesting({
      upload: { finishWrite: () => Promise.reject(new Error('no')) },
    });
    await expect(finish(backend)).rejects.toThrow('no');
    expect(jobs).toEqual([]);
    expect(calls.at(-1)).toBe('withdraw /a');
  });

  test('has a job of its own each time, with an id even where none was given', async () => {
    const { backend, jobs } = ingesting();
    const { uploadId: _, ...anonymous } = call;
    for (const context of [anonymous, anonymous, call]) {
      await (await backend.beginWrite(context, '/a', REPLACE)).finishWrite();
    }
    expect(new Set(jobs.map(({ delivery }) => delivery.id)).size).toBe(3);
    for (const { delivery } of jobs) expect(delivery.id).not.toBe('');
  });

  test('that is refused at OPEN has no job', async () => {
    const { backend, calls } = ingesting();
    const options = { ...REPLACE, create: false };
    await expect(backend.beginWrite(call, '/none', options)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(calls).toEqual(['begin /none']);
  });

  test('passes everything else through: size, setSize, sync and parts', async () => {
    const memory = createMemoryBackend();
    const seen: string[] = [];
    const rules = {
      publisher: watchJobs().publisher,
      isTemporary: () => false,
      reportsRenames: false,
      log: SILENT,
    };
    const backend = withIngestion(
      {
        ...memory,
        beginWrite: async (...args) => {
          const upload = await memory.beginWrite(...args);
          return {
            size: 77,
            writeChunk: (offset, bytes) => upload.writeChunk(offset, bytes),
            setSize: async (size) => void seen.push(`setSize ${size}`),
            readChunk: async () => new Uint8Array(0),
            setAttributes: () => undefined,
            sync: async () => void seen.push('sync'),
            finishWrite: () => upload.finishWrite(),
            abortWrite: () => upload.abortWrite(),
            unitAt: (offset) => offset * 2,
          };
        },
      },
      rules,
    );
    const upload = await backend.beginWrite(call, '/a', REPLACE);
    await upload.setSize(9);
    await upload.sync();
    expect(seen).toEqual(['setSize 9', 'sync']);
    expect([upload.size, upload.unitAt?.(4)]).toEqual([77, 8]);
    const plain = withIngestion(memory, rules);
    expect((await plain.beginWrite(call, '/a', REPLACE)).unitAt).toBeUndefined();
  });
});

describe('a file under a temporary name', () => {
  const other = createTestContext({ principal: { username: 'later' } });

  test('has no job until its rename delivers it: one, with the id and the start of its upload', async () => {
    const { backend, jobs } = ingesting();
    const before = Date.now();
    const stored = await finish(backend, '/a.csv.part');
    expect(jobs).toEqual([]);
    const renamedAt = Date.now();
    await backend.rename(other, '/a.csv.part', '/a.csv');
    expect(jobs).toHaveLength(1);
    const [{ delivery, stored: told } = {}] = jobs;
    expect(delivery).toMatchObject({ id: 'upload-1', path: '/a.csv' });
    expect(delivery?.location).toEqual({ bucket: 'memory', key: 'a.csv' });
    expect(delivery?.renamedFrom).toBeUndefined();
    expect(delivery?.startedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(delivery?.startedAt.getTime()).toBeLessThanOrEqual(renamedAt);
    expect(told).toMatchObject({ size: 5, checksum: stored.checksum, location: { key: 'a.csv' } });
  });

  test('whose name is given before it is answered: announced, renamed, published', async () => {
    const durable = deferred();
    const { backend, calls } = ingesting({ job: { publish: () => durable.promise } });
    await finish(backend, '/a.part');
    calls.length = 0;
    const renamed = backend.rename(call, '/a.part', '/a');
    expect(await isSettled(renamed)).toBe(false);
    expect(calls).toEqual(['announce /a', 'publish /a']);
    expect(await contentOf(backend, '/a')).toBe('hello');
    durable.resolve();
    expect(await renamed).toMatchObject({ size: 5 });
  });

  test('that was put there by somebody else is delivered under an id of its own', async () => {
    const { backend, inner, jobs } = ingesting();
    await inner.writeFile(call, '/b.part', Buffer.from('x'));
    await backend.rename(call, '/b.part', '/b');
    expect(jobs[0]?.delivery.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(jobs[0]?.delivery.startedAt.getTime()).toBeGreaterThan(0);
  });

  test('goes on with the trace of its upload', async () => {
    const { backend, jobs } = ingesting();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const upload = await backend.beginWrite(call, '/a.part', { ...REPLACE, notes: { traceparent } });
    await upload.finishWrite();
    await backend.rename(call, '/a.part', '/a');
    expect(jobs[0]?.delivery.uploadTrace).toEqual({ traceparent });
  });

  test('renamed to another one has no job yet', async () => {
    const { backend, calls } = ingesting({ reportsRenames: true });
    await finish(backend, '/a.part');
    calls.length = 0;
    await backend.rename(call, '/a.part', '/b.part');
    expect(calls).toEqual([]);
    await backend.rename(call, '/b.part', '/b');
    expect(calls).toEqual(['announce /b', 'publish /b']);
  });

  test('that cannot be renamed has its job withdrawn; a missing one has none', async () => {
    const { backend, calls } = ingesting();
    await finish(backend, '/a.part');
    await backend.makeDir(call, '/dir');
    calls.length = 0;
    await expect(backend.rename(call, '/a.part', '/dir')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(calls).toEqual(['announce /dir', 'withdraw /dir']);
    await expect(backend.rename(call, '/none.part', '/b')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(calls).toHaveLength(2);
  });

  test('whose job cannot be published fails its rename with that error', async () => {
    const error = new Error('SQS is gone');
    const { backend } = ingesting({ job: { publish: () => Promise.reject(error) } });
    await finish(backend, '/a.part');
    await expect(backend.rename(call, '/a.part', '/a')).rejects.toBe(error);
  });

  test('a directory of such a name is none', async () => {
    const { backend, calls } = ingesting();
    await backend.makeDir(call, '/d.part');
    await backend.rename(call, '/d.part', '/d');
    expect(calls).toEqual([]);
  });
});

describe('a file that had its job', () => {
  test('gives none when it is renamed', async () => {
    const { backend, jobs } = ingesting();
    await finish(backend);
    await backend.rename(call, '/a', '/b');
    expect(jobs).toHaveLength(1);
  });

  test('is reported under its new name where that is wanted, by another id', async () => {
    const { backend, jobs } = ingesting({ reportsRenames: true });
    await finish(backend);
    await backend.rename(call, '/a', '/b');
    await backend.rename(call, '/b', '/b');
    await backend.makeDir(call, '/d');
    await backend.rename(call, '/d', '/e');
    expect(jobs.map(({ delivery: { path, renamedFrom } }) => [path, renamedFrom])).toEqual([
      ['/a', undefined],
      ['/b', '/a'],
    ]);
    expect(jobs[1]?.delivery.id).not.toBe('upload-1');
  });

  test('and is renamed to a temporary name is not', async () => {
    const { backend, jobs } = ingesting({ reportsRenames: true });
    await finish(backend);
    await backend.rename(call, '/a', '/a.part');
    expect(jobs).toHaveLength(1);
  });
});
