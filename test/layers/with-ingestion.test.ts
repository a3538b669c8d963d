import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { Upload } from '../../src/contract/backend.ts';
import type { FinishedUpload } from '../../src/contract/jobs.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { contentOf, deferred, isSettled, watchUploads } from '../support/sftp-driver.ts';

const REPLACE = { create: true, exclusive: false, truncate: true, append: false };
const call = { ...createTestContext({ principal: { username: 'acme' } }), uploadId: 'upload-1' };

/** A watched backend whose jobs go to a list; `publish` decides how that goes. */
function ingesting(publish: () => Promise<void> = async () => undefined) {
  const jobs: FinishedUpload[] = [];
  const watched = watchUploads();
  const backend = withIngestion(watched.backend, {
    expect: () => () => undefined,
    publish: async (job) => {
      watched.calls.push('publish');
      jobs.push(job);
      await publish();
    },
    close: async () => undefined,
  });
  return { backend, calls: watched.calls, jobs };
}

async function begin(backend: ReturnType<typeof ingesting>['backend']): Promise<Upload> {
  const upload = await backend.beginWrite(call, '/a', REPLACE);
  await upload.writeChunk(0, Buffer.from('hello'));
  return upload;
}

describe('withIngestion', () => {
  test('one job follows the end of an upload and precedes the answer to it', async () => {
    const durable = deferred();
    const { backend, calls } = ingesting(() => durable.promise);
    const upload = await begin(backend);
    const finished = upload.finishWrite();
    expect(await isSettled(finished)).toBe(false);
    expect(calls).toEqual(['begin /a', 'write 0+5', 'finish /a', 'finished /a', 'publish']);
    expect(await contentOf(backend, '/a')).toBe('hello');
    durable.resolve();
    await finished;
    expect(calls.filter((name) => name === 'publish')).toHaveLength(1);
  });

  test('the job tells who, what, where and when', async () => {
    const { backend, jobs } = ingesting();
    const before = Date.now();
    const upload = await begin(backend);
    const stored = await upload.finishWrite();
    const [job] = jobs;
    expect(job).toMatchObject({
      id: 'upload-1',
      path: '/a',
      principal: call.principal,
      connection: call.connection,
    });
    expect(job?.stored).toBe(stored);
    expect(stored.size).toBe(5);
    const [started = 0, ended = 0] = [job?.startedAt.getTime(), job?.finishedAt.getTime()];
    expect(started).toBeGreaterThanOrEqual(before);
    expect(ended).toBeGreaterThanOrEqual(started);
    expect(ended).toBeLessThanOrEqual(Date.now());
  });

  test('a job that cannot be published fails the upload with that error', async () => {
    const error = new Error('SQS is gone');
    const { backend } = ingesting(() => Promise.reject(error));
    const upload = await begin(backend);
    await expect(upload.finishWrite()).rejects.toBe(error);
  });

  test('an upload that is aborted has no job', async () => {
    const { backend, calls } = ingesting();
    const upload = await begin(backend);
    await upload.abortWrite();
    expect(calls).toEqual(['begin /a', 'write 0+5', 'abort /a']);
  });

  test.each(['finished', 'failed'])(
    'a job is expected while an upload ends, and no longer: %s',
    async (how) => {
      const ending = deferred();
      const watched = watchUploads({ finishWrite: () => ending.promise });
      const seen: string[] = [];
      const backend = withIngestion(watched.backend, {
        expect: () => {
          seen.push('expected');
          return () => void seen.push('no longer');
        },
        publish: async () => void seen.push('published'),
        close: async () => undefined,
      });
      const upload = await backend.beginWrite(call, '/a', REPLACE);
      expect(seen).toEqual([]);
      const finished = upload.finishWrite().catch(() => undefined);
      expect(seen).toEqual(['expected']);
      if (how === 'failed') ending.reject(new Error('no'));
      else ending.resolve();
      await finished;
      expect(seen).toEqual(['expected', 'no longer', ...(how === 'failed' ? [] : ['published'])]);
    },
  );

  test('an upload that the backend cannot finish has no job', async () => {
    const watched = watchUploads({ finishWrite: () => Promise.reject(new Error('no')) });
    const jobs: FinishedUpload[] = [];
    const backend = withIngestion(watched.backend, {
      expect: () => () => undefined,
      publish: async (job) => void jobs.push(job),
      close: async () => undefined,
    });
    const upload = await backend.beginWrite(call, '/a', REPLACE);
    await expect(upload.finishWrite()).rejects.toThrow('no');
    expect(jobs).toEqual([]);
  });

  test('every upload has a job of its own, with an id even where none was given', async () => {
    const { backend, jobs } = ingesting();
    const { uploadId: _, ...anonymous } = call;
    for (const context of [anonymous, anonymous, call]) {
      await (await backend.beginWrite(context, '/a', REPLACE)).finishWrite();
    }
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(3);
    for (const { id } of jobs) expect(id).not.toBe('');
  });

  test('an OPEN that is refused has no job', async () => {
    const { backend, jobs } = ingesting();
    const options = { ...REPLACE, create: false };
    await expect(backend.beginWrite(call, '/none', options)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(jobs).toEqual([]);
  });

  test('the rest of an upload passes through: size, setSize, sync and parts', async () => {
    const memory = createMemoryBackend();
    const seen: string[] = [];
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
      { expect: () => () => undefined, publish: async () => undefined, close: async () => undefined },
    );
    const upload = await backend.beginWrite(call, '/a', REPLACE);
    await upload.setSize(9);
    await upload.sync();
    expect(seen).toEqual(['setSize 9', 'sync']);
    expect([upload.size, upload.unitAt?.(4)]).toEqual([77, 8]);
    const plain = withIngestion(memory, {
      expect: () => () => undefined,
      publish: async () => undefined,
      close: async () => undefined,
    });
    expect((await plain.beginWrite(call, '/a', REPLACE)).unitAt).toBeUndefined();
  });
});
