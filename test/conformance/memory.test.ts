import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

bindConformance('the memory backend', {
  createSubject: () => ({ backend: createMemoryBackend(), context: createTestContext() }),
});

describe('the memory backend, past the contract', () => {
  const context = createTestContext();
  const bytes = new TextEncoder().encode('123456789');
  const options = { create: true, exclusive: false, truncate: true, append: false };

  test('says where a file is and what its CRC32 is', async () => {
    const backend = createMemoryBackend();
    await backend.makeDir(context, '/in');
    const upload = await backend.beginWrite(context, '/in/file', options);
    await upload.writeChunk(0, bytes);
    const stored = await upload.finishWrite();
    // The check value of CRC-32/ISO-HDLC is 0xcbf43926.
    expect(stored.checksum).toEqual({ algorithm: 'CRC32', value: 'y/Q5Jg==', type: 'FULL_OBJECT' });
    expect(stored.location).toEqual({ bucket: 'memory', key: 'in/file' });
    expect(stored.etag).toBe((await backend.fileInfo(context, '/in/file')).etag);
  });

  test('is one tree for every principal', async () => {
    const backend = createMemoryBackend();
    await backend.writeFile(createTestContext({ principal: { username: 'a' } }), '/file', bytes);
    const other = createTestContext({ principal: { username: 'b', session: { prefix: 'b/' } } });
    expect(await backend.readFile(other, '/file')).toEqual(bytes);
  });

  test('keeps nothing of one backend in another', async () => {
    await createMemoryBackend().writeFile(context, '/file', bytes);
    await expect(createMemoryBackend().fileInfo(context, '/file')).rejects.toThrow('ENOENT');
  });

  test('an upload whose directory was removed meanwhile rejects ENOENT when it finishes', async () => {
    const backend = createMemoryBackend();
    await backend.makeDir(context, '/in');
    const upload = await backend.beginWrite(context, '/in/file', options);
    await backend.delDir(context, '/in');
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'ENOENT', operation: 'finishWrite' });
    await expect(backend.fileInfo(context, '/in')).rejects.toThrow('ENOENT');
  });

  test('an upload whose name has become a directory rejects EISDIR when it finishes', async () => {
    const backend = createMemoryBackend();
    const upload = await backend.beginWrite(context, '/name', options);
    await backend.makeDir(context, '/name');
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EISDIR' });
    expect((await backend.fileInfo(context, '/name')).type).toBe('directory');
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])(
    'a write at %d is EINVAL and spoils the upload',
    async (offset) => {
      const backend = createMemoryBackend();
      const upload = await backend.beginWrite(context, '/file', options);
      await upload.writeChunk(0, bytes);
      await expect(upload.writeChunk(offset, bytes)).rejects.toMatchObject({ code: 'EINVAL' });
      await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EINVAL' });
      await expect(backend.fileInfo(context, '/file')).rejects.toThrow('ENOENT');
    },
  );

  test('a write farther out than memory reaches is EFBIG', async () => {
    const backend = createMemoryBackend();
    const upload = await backend.beginWrite(context, '/file', options);
    await expect(upload.writeChunk(2 ** 50, bytes)).rejects.toMatchObject({ code: 'EFBIG' });
    await upload.abortWrite();
    await expect(backend.fileInfo(context, '/file')).rejects.toThrow('ENOENT');
  });
});
