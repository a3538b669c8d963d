import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { Backend, StreamingBackend, WriteOptions } from '../../src/contract/backend.ts';
import { FsError } from '../../src/contract/errors.ts';
import { withBuffering } from '../../src/layers/with-buffering.ts';
import { createTestContext } from '../../src/testing/index.ts';

const context = createTestContext();
const LIMIT = 1000;
const replace: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };
const update: WriteOptions = { ...replace, truncate: false };

interface Buffered {
  readonly memory: StreamingBackend;
  readonly backend: StreamingBackend;
  readonly calls: string[];
}

/** Memory without its streaming operations, below the layer; `calls` is what the layer asked of it. */
function createBuffered(change: Partial<Backend> = {}): Buffered {
  const memory = createMemoryBackend();
  const { readFileRange: _range, beginWrite: _begin, ...wholeFiles } = memory;
  const calls: string[] = [];
  const watched = new Proxy<Backend>(
    { ...wholeFiles, ...change },
    {
      get(target, key, receiver) {
        if (typeof key === 'string' && key in memory && key !== 'name') calls.push(key);
        return Reflect.get(target, key, receiver);
      },
    },
  );
  const backend = withBuffering(watched, { maxFileBytes: LIMIT });
  calls.length = 0;
  return { memory, backend, calls };
}

describe('withBuffering: the limit', () => {
  test('a file of exactly the limit is taken', async () => {
    const { backend, memory } = createBuffered();
    const upload = await backend.beginWrite(context, '/file', replace);
    await upload.writeChunk(0, new Uint8Array(LIMIT).fill(7));
    expect((await upload.finishWrite()).size).toBe(LIMIT);
    expect(await memory.readFile(context, '/file')).toEqual(new Uint8Array(LIMIT).fill(7));
  });

  test.each([
    ['one byte too many at once', 0, LIMIT + 1],
    ['a chunk that reaches past it', LIMIT - 5, 6],
    ['a chunk that lies past it', 2 ** 40, 1],
  ])('%s rejects EFBIG', async (_what, offset, length) => {
    const { backend } = createBuffered();
    const upload = await backend.beginWrite(context, '/file', replace);
    await expect(upload.writeChunk(offset, new Uint8Array(length))).rejects.toMatchObject({ code: 'EFBIG' });
    await upload.abortWrite();
  });

  test('after a refused chunk nothing more is taken, finishWrite rejects and nothing is stored', async () => {
    const { backend, memory, calls } = createBuffered();
    await memory.writeFile(context, '/file', new Uint8Array(3));
    const upload = await backend.beginWrite(context, '/file', replace);
    await upload.writeChunk(0, new Uint8Array(10));
    await expect(upload.writeChunk(10, new Uint8Array(LIMIT))).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(upload.writeChunk(10, new Uint8Array(1))).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(upload.sync()).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EFBIG' });
    await upload.abortWrite();
    expect(calls).not.toContain('writeFile');
    expect((await memory.fileInfo(context, '/file')).size).toBe(3);
  });

  test('setSize past it rejects EFBIG and leaves the upload as it was', async () => {
    const { backend, memory } = createBuffered();
    const upload = await backend.beginWrite(context, '/file', replace);
    await upload.writeChunk(0, new Uint8Array(10).fill(1));
    await expect(upload.setSize(LIMIT + 1)).rejects.toMatchObject({ code: 'EFBIG' });
    await expect(upload.setSize(-1)).rejects.toMatchObject({ code: 'EINVAL' });
    expect(upload.size).toBe(10);
    await upload.finishWrite();
    expect(await memory.readFile(context, '/file')).toEqual(new Uint8Array(10).fill(1));
  });

  test('earlier content past it cannot be kept, but can be replaced', async () => {
    const { backend, memory, calls } = createBuffered();
    await memory.writeFile(context, '/file', new Uint8Array(LIMIT + 1));
    await expect(backend.beginWrite(context, '/file', update)).rejects.toMatchObject({ code: 'EFBIG' });
    const upload = await backend.beginWrite(context, '/file', replace);
    await upload.finishWrite();
    expect((await memory.fileInfo(context, '/file')).size).toBe(0);
    expect(calls).not.toContain('readFile');
  });

  test('a file past it is not read whole for a range of it', async () => {
    const { backend, memory, calls } = createBuffered();
    await memory.writeFile(context, '/file', new Uint8Array(LIMIT + 1));
    const range = backend.readFileRange(context, '/file', { offset: 0, length: 1 });
    await expect(range).rejects.toMatchObject({ code: 'EFBIG' });
    expect(calls).not.toContain('readFile');
  });
});

describe('withBuffering: whole files below', () => {
  test('writeFile is called once, when the upload finishes', async () => {
    const { backend, calls } = createBuffered();
    const upload = await backend.beginWrite(context, '/file', replace);
    for (let offset = 0; offset < 500; offset += 50) await upload.writeChunk(offset, new Uint8Array(50));
    await upload.setSize(300);
    await upload.sync();
    expect(calls).not.toContain('writeFile');
    await upload.finishWrite();
    expect(calls.filter((call) => call === 'writeFile')).toHaveLength(1);
  });

  test('finishWrite gives what writeFile gave', async () => {
    const stored = { size: 4, etag: '"e"', versionId: 'v1', location: { bucket: 'b', key: 'k' } };
    const { backend } = createBuffered({ writeFile: async () => stored });
    const upload = await backend.beginWrite(context, '/file', replace);
    expect(await upload.finishWrite()).toEqual(stored);
  });

  test('finishWrite rejects with what writeFile rejected, and the upload is over', async () => {
    const { backend } = createBuffered({
      writeFile: async () => Promise.reject(new FsError('ENOSPC', 'full')),
    });
    const upload = await backend.beginWrite(context, '/file', replace);
    await upload.writeChunk(0, new Uint8Array(5));
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EBADF' });
    await upload.abortWrite();
  });

  test('a chunk that comes while the file is being stored is refused, not mixed in', async () => {
    const late: unknown[] = [];
    let given: Uint8Array = new Uint8Array(0);
    const { backend } = createBuffered({
      writeFile: async (_context, _path, bytes) => {
        late.push(await Promise.resolve(upload.writeChunk(0, Uint8Array.of(9))).catch((error) => error));
        late.push(await upload.setSize(1).catch((error) => error));
        given = new Uint8Array(bytes);
        return { size: bytes.length };
      },
    });
    const upload = await backend.beginWrite(context, '/file', replace);
    await upload.writeChunk(0, Uint8Array.of(1, 2, 3));
    await upload.finishWrite();
    expect(late).toMatchObject([{ code: 'EBADF' }, { code: 'EBADF' }]);
    expect(given).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('a file that changes while it is read for a range is ESTALE', async () => {
    const memory = createMemoryBackend();
    const { readFileRange: _range, beginWrite: _begin, ...wholeFiles } = memory;
    const backend = withBuffering(
      {
        ...wholeFiles,
        readFile: async (asker, path) => {
          await memory.writeFile(asker, path, Uint8Array.of(9, 9, 9));
          return memory.readFile(asker, path);
        },
      },
      { maxFileBytes: LIMIT },
    );
    await memory.writeFile(context, '/file', Uint8Array.of(1, 2, 3));
    const { etag } = await memory.fileInfo(context, '/file');
    expect(etag).toBeDefined();
    const range = backend.readFileRange(context, '/file', { offset: 0, length: 3, etag: etag ?? '' });
    await expect(range).rejects.toMatchObject({ code: 'ESTALE' });
  });

  test.each([
    ['an Error', new Error('not an FsError')],
    ['an FsError', new FsError('EACCES', 'not yours')],
  ])('%s of the backend comes through as it is', async (_what, failure) => {
    const { backend } = createBuffered({ fileInfo: async () => Promise.reject(failure) });
    await expect(backend.beginWrite(context, '/file', replace)).rejects.toBe(failure);
    await expect(backend.readFileRange(context, '/file', { offset: 0, length: 1 })).rejects.toBe(failure);
  });
});

describe('withBuffering: what the backend streams itself', () => {
  test('each streaming operation is passed through without the other', async () => {
    const { readFileRange, beginWrite } = createMemoryBackend();
    const reading = createBuffered({ readFileRange });
    await reading.backend.readFileRange(context, '/file', { offset: 0, length: 1 }).catch(() => undefined);
    expect(reading.calls).toEqual(['readFileRange']);
    await (await reading.backend.beginWrite(context, '/file', replace)).abortWrite();
    expect(reading.calls).not.toContain('beginWrite');

    const writing = createBuffered({ beginWrite });
    await (await writing.backend.beginWrite(context, '/file', replace)).abortWrite();
    expect(writing.calls).toEqual(['beginWrite']);
    await writing.backend.readFileRange(context, '/file', { offset: 0, length: 1 }).catch(() => undefined);
    expect(writing.calls).not.toContain('readFileRange');
  });

  test('a backend that is an instance of a class keeps its `this`', async () => {
    class Counting {
      readonly name = 'counting';
      asked = 0;
      async fileInfo(): Promise<never> {
        this.asked += 1;
        throw new FsError('ENOENT', 'nothing here');
      }
    }
    const counting = new Counting();
    const { beginWrite: _begin, readFileRange: _range, ...rest } = createMemoryBackend();
    const inner: Backend = Object.assign(counting, {
      ...rest,
      name: counting.name,
      fileInfo: counting.fileInfo,
    });
    const backend = withBuffering(inner, { maxFileBytes: LIMIT });
    await expect(backend.fileInfo(context, '/file')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(counting.asked).toBe(1);
  });
});
