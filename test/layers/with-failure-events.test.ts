import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend, Upload } from '../../src/contract/backend.ts';
import { FsError } from '../../src/contract/errors.ts';
import { withFailureEvents } from '../../src/layers/with-failure-events.ts';
import { withPermissions } from '../../src/layers/with-permissions.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { contentOf, type UploadHooks, watchUploads } from '../support/sftp-driver.ts';
import { watchJobs } from '../support/watch-jobs.ts';

const REPLACE = { create: true, exclusive: false, truncate: true, append: false };
const call = { ...createTestContext({ principal: { username: 'acme' } }), uploadId: 'upload-1' };
const HELLO = Buffer.from('hello');

/** The layer over a watched backend, whose calls and the reports stand in one list. */
function reporting(hooks: UploadHooks = {}, wrap = (backend: StreamingBackend) => backend) {
  const { backend: inner, calls } = watchUploads(hooks);
  // A report that never ends: nobody waits for it.
  const never = new Promise<never>(() => undefined);
  const { publisher, failures } = watchJobs({ reportFailure: () => never }, calls);
  return { backend: withFailureEvents(wrap(inner), publisher), inner, calls, failures };
}

const begin = (backend: StreamingBackend, path = '/a'): Promise<Upload> =>
  backend.beginWrite(call, path, REPLACE);

describe('an upload that is refused at OPEN', () => {
  test('by permission is reported, with who, what, where and when', async () => {
    const { backend, failures } = reporting({}, withPermissions);
    const before = Date.now();
    const principal = { ...call.principal, permissions: [] };
    const opening = backend.beginWrite({ ...call, principal }, '/a', REPLACE);
    await expect(opening).rejects.toMatchObject({ code: 'EACCES' });
    const [failure, ...more] = failures;
    expect(more).toEqual([]);
    expect(failure).toMatchObject({
      id: 'upload-1',
      path: '/a',
      location: { bucket: 'memory', key: 'a' },
      principal,
      connection: call.connection,
      outcome: 'refused',
      error: { code: 'EACCES', message: 'EACCES: beginWrite needs the permission "write"' },
      bytes: 0,
    });
    expect(failure?.startedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(failure?.failedAt.getTime()).toBeGreaterThanOrEqual(failure?.startedAt.getTime() ?? 0);
    expect(failure?.failedAt.getTime()).toBeLessThanOrEqual(Date.now());
  });

  test.each([
    ['ENOENT', '/missing', { ...REPLACE, create: false }],
    ['EEXIST', '/file', { ...REPLACE, exclusive: true }],
    ['EISDIR', '/dir', REPLACE],
  ])('with %s is reported, whatever the reason', async (code, path, open) => {
    const { backend, inner, failures } = reporting();
    await inner.writeFile(call, '/file', HELLO);
    await inner.makeDir(call, '/dir');
    await expect(backend.beginWrite(call, path, open)).rejects.toMatchObject({ code });
    expect(failures).toMatchObject([{ path, outcome: 'refused', error: { code } }]);
  });

  test('has an id of its own where none was given, and the backend has the same', async () => {
    const ids: (string | undefined)[] = [];
    const { backend, failures } = reporting({}, (inner) => ({
      ...inner,
      beginWrite: async (context) => {
        ids.push(context.uploadId);
        throw new FsError('EIO', 'not now');
      },
    }));
    for (let n = 0; n < 2; n++) {
      await expect(backend.beginWrite(createTestContext(), '/a', REPLACE)).rejects.toThrow();
    }
    expect(failures.map(({ id }) => id)).toEqual(ids);
    expect(new Set(ids).size).toBe(2);
  });

  test('because its client has gone is aborted', async () => {
    const gone = new FsError('ECANCELED', 'nobody waits');
    const { backend, failures } = reporting({ beginWrite: () => Promise.reject(gone) });
    await expect(begin(backend)).rejects.toBe(gone);
    expect(failures).toMatchObject([{ outcome: 'aborted', error: { code: 'ECONNABORTED' } }]);
  });

  test('tells nothing of an error that is not of the contract', async () => {
    const fault = new TypeError('secret of the inside');
    const { backend, failures } = reporting({ beginWrite: () => Promise.reject(fault) });
    await expect(begin(backend)).rejects.toBe(fault);
    expect(failures).toMatchObject([{ outcome: 'refused', error: { code: 'EIO' } }]);
    expect(JSON.stringify(failures)).not.toContain('secret');
  });

  test.each([
    ['the root', '/', (inner: StreamingBackend) => inner],
    [
      'what the store has no key for',
      '/a',
      (inner: StreamingBackend): StreamingBackend => ({
        ...inner,
        locate: () => {
          throw new FsError('ENAMETOOLONG', 'no key');
        },
        beginWrite: () => Promise.reject(new FsError('EACCES', 'reserved')),
      }),
    ],
  ])('because it is %s fails with its own error, and is not reported', async (_, path, wrap) => {
    const { backend, failures } = reporting({}, wrap);
    await expect(begin(backend, path)).rejects.toMatchObject({ code: path === '/' ? 'EISDIR' : 'EACCES' });
    expect(failures).toEqual([]);
  });
});

describe('an upload that ends without CLOSE', () => {
  test('is aborted: reported once, after its abort, with the bytes it had', async () => {
    const { backend, calls, failures } = reporting();
    const upload = await begin(backend);
    await upload.writeChunk(0, HELLO);
    await upload.abortWrite();
    await upload.abortWrite();
    expect(calls.filter((name) => name !== 'write 0+5')).toEqual([
      'begin /a',
      'abort /a',
      'aborted /a',
      'abort /a',
    ]);
    expect(failures).toMatchObject([{ outcome: 'aborted', error: { code: 'ECONNABORTED' }, bytes: 5 }]);
  });

  test('is reported although its abort fails', async () => {
    const error = new Error('S3 is gone');
    const { backend, failures } = reporting({ abortWrite: () => Promise.reject(error) });
    await expect((await begin(backend)).abortWrite()).rejects.toBe(error);
    expect(failures).toMatchObject([{ outcome: 'aborted' }]);
  });

  test('while a write waited is aborted, not failed', async () => {
    const gone = new FsError('ECANCELED', 'nobody waits');
    const { backend, failures } = reporting({ writeChunk: () => Promise.reject(gone) });
    const upload = await begin(backend);
    await expect(upload.writeChunk(0, HELLO)).rejects.toBe(gone);
    await upload.abortWrite();
    expect(failures).toMatchObject([{ outcome: 'aborted' }]);
  });

  test('after a request was refused has failed, of the first that was', async () => {
    const first = new FsError('ENOSPC', 'no room');
    const later = new FsError('EIO', 'later');
    const errors = [first, later];
    const refuse = () => Promise.reject(errors.shift());
    const { backend, failures } = reporting({ writeChunk: refuse });
    const upload = await begin(backend);
    await expect(upload.writeChunk(0, HELLO)).rejects.toBe(first);
    await expect(upload.writeChunk(5, HELLO)).rejects.toBe(later);
    await upload.abortWrite();
    const error = { code: 'ENOSPC', message: 'ENOSPC: no room' };
    expect(failures).toMatchObject([{ outcome: 'failed', error, bytes: 0 }]);
  });

  const refuse = (error: unknown) => () => {
    throw error;
  };
  const reject = (error: unknown) => () => Promise.reject(error);

  describe.each([
    ['thrown', refuse],
    ['rejected', reject],
  ])('by an error that is %s', (_, fail) => {
    test.each([
      ['a write', (upload: Upload) => upload.writeChunk(0, HELLO)],
      ['a size', (upload: Upload) => upload.setSize(1)],
      ['a read of what was written', (upload: Upload) => upload.readChunk(0, 1)],
      ['a copy', (upload: Upload) => upload.copyChunk?.('/b', { offset: 0, length: 1 }, 0)],
    ])('has failed of %s', async (_, request) => {
      const error = new FsError('EFBIG', 'too large');
      const failing = fail(error);
      const { backend, failures } = reporting({}, (inner) => ({
        ...inner,
        beginWrite: async (...args) => {
          const upload = await inner.beginWrite(...args);
          const all = { writeChunk: failing, setSize: failing, readChunk: failing, copyChunk: failing };
          return { ...upload, size: 0, ...all, abortWrite: () => upload.abortWrite() };
        },
      }));
      const upload = await begin(backend);
      await expect(async () => request(upload)).rejects.toBe(error);
      await upload.abortWrite();
      expect(failures).toMatchObject([{ outcome: 'failed', error: { code: 'EFBIG' } }]);
    });
  });
});

describe('an upload that is closed', () => {
  test('and stored is not reported, not even by an abort that comes later', async () => {
    const { backend, failures } = reporting();
    const upload = await begin(backend);
    await upload.writeChunk(0, HELLO);
    expect(await upload.finishWrite()).toMatchObject({ size: 5 });
    await upload.abortWrite();
    expect(failures).toEqual([]);
    expect(await contentOf(backend, '/a')).toBe('hello');
  });

  test('and cannot be stored has failed: reported once, its error unchanged', async () => {
    const error = new FsError('EIO', 'S3 finishWrite: InvalidPart', { cause: new Error('secret') });
    const { backend, failures } = reporting({ finishWrite: () => Promise.reject(error) });
    const upload = await begin(backend);
    await upload.writeChunk(0, HELLO);
    await expect(upload.finishWrite()).rejects.toBe(error);
    await upload.abortWrite();
    expect(failures).toMatchObject([
      { outcome: 'failed', error: { code: 'EIO', message: 'EIO: S3 finishWrite: InvalidPart' }, bytes: 5 },
    ]);
    expect(JSON.stringify(failures)).not.toContain('secret');
  });
});

test('a backend that copies nothing by itself still does not', async () => {
  const { backend } = reporting();
  expect((await begin(backend)).copyChunk).toBeUndefined();
  const copying = withFailureEvents(createMemoryBackend(), watchJobs().publisher);
  expect((await begin(copying)).copyChunk).toBeDefined();
});
