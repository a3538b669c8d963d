import assert from 'node:assert/strict';
import type { Upload } from '../../contract/backend.ts';
import { assertBytes, assertFile, assertRejects, begin, noise, put, text, UPDATE } from '../probe.ts';
import type { ConformanceCase, ConformanceSubject } from '../subject.ts';

type Copying = Upload & Required<Pick<Upload, 'copyChunk'>>;

/** A case for uploads that copy. */
function copyCase(
  name: string,
  run: (subject: ConformanceSubject, upload: Copying) => Promise<void>,
  open: (subject: ConformanceSubject) => Promise<Upload> = begin,
): ConformanceCase {
  return {
    name: `copyChunk ${name}`,
    needs: 'copyChunk',
    async run(subject) {
      const upload = await open(subject);
      assert.ok(copies(upload), 'an upload without copyChunk');
      await run(subject, upload);
    },
  };
}

function copies(upload: Upload): upload is Copying {
  return upload.copyChunk !== undefined;
}

/** Makes `/source`, and gives its etag if it has one. */
async function makeSource(
  { backend, context }: ConformanceSubject,
  bytes: Uint8Array,
): Promise<string | undefined> {
  await backend.writeFile(context, '/source', bytes);
  return (await backend.fileInfo(context, '/source')).etag;
}

/** Bytes of another file that become bytes of an upload. */
export const uploadCopyCases: readonly ConformanceCase[] = [
  ...[1, 70_000, 12_000_000].map((total) =>
    copyCase(`takes a whole file of ${total} bytes`, async (subject, upload) => {
      const bytes = noise(total);
      const etag = await makeSource(subject, bytes);
      await upload.copyChunk('/source', { offset: 0, length: total, ...(etag && { etag }) }, 0);
      assert.equal(upload.size, total);
      const stored = await upload.finishWrite();
      assert.equal(stored.size, total);
      await assertFile(subject, '/file', bytes);
      await assertFile(subject, '/source', bytes);
    }),
  ),
  copyCase('takes a range from the middle, without an etag too', async (subject, upload) => {
    await makeSource(subject, text('0123456789'));
    await upload.copyChunk('/source', { offset: 3, length: 4 }, 0);
    await upload.finishWrite();
    await assertFile(subject, '/file', text('3456'));
  }),
  copyCase('puts bytes where it is told, among bytes that were written', async (subject, upload) => {
    await makeSource(subject, text('0123456789'));
    await put(upload, 0, text('abcdefgh'));
    await upload.copyChunk('/source', { offset: 5, length: 3 }, 2);
    await upload.copyChunk('/source', { offset: 0, length: 2 }, 10);
    assert.equal(upload.size, 12);
    await put(upload, 3, text('Z'));
    await upload.finishWrite();
    await assertFile(subject, '/file', text('ab5Z7fgh\0\x0001'));
  }),
  copyCase('puts a large range in the middle of a large upload', async (subject, upload) => {
    const [source, expected] = [noise(12_000_000, 1), noise(14_000_000, 2)];
    const etag = await makeSource(subject, source);
    await put(upload, 0, expected.subarray(0, 1_000_000));
    await upload.copyChunk('/source', { offset: 777, length: 11_000_000, ...(etag && { etag }) }, 1_000_000);
    await put(upload, 12_000_000, expected.subarray(12_000_000));
    expected.set(source.subarray(777, 11_000_777), 1_000_000);
    await upload.finishWrite();
    await assertFile(subject, '/file', expected);
  }),
  copyCase('is read back by readChunk', async (subject, upload) => {
    await makeSource(subject, text('0123456789'));
    await put(upload, 0, text('ab'));
    await upload.copyChunk('/source', { offset: 4, length: 3 }, 1);
    assertBytes(await upload.readChunk(0, 100), text('a456'));
    await upload.abortWrite();
  }),
  copyCase('of no bytes changes nothing', async (subject, upload) => {
    await makeSource(subject, text('0123456789'));
    await put(upload, 0, text('abc'));
    await upload.copyChunk('/source', { offset: 0, length: 0 }, 100);
    assert.equal(upload.size, 3);
    await upload.finishWrite();
    await assertFile(subject, '/file', text('abc'));
  }),
  copyCase(
    'takes bytes of the very file that is written into, as they were',
    async (subject, upload) => {
      await upload.copyChunk('/file', { offset: 0, length: 4 }, 4);
      await upload.finishWrite();
      await assertFile(subject, '/file', text('01230123'));
    },
    async (subject) => {
      await subject.backend.writeFile(subject.context, '/file', text('01234567'));
      return subject.backend.beginWrite(subject.context, '/file', UPDATE);
    },
  ),
  ...[20, 12_000_000].map((total) =>
    copyCase(
      `rejects ESTALE, at the end at the latest, when ${total} bytes were replaced before it`,
      async (subject, upload) => {
        const etag = await makeSource(subject, noise(total, 1));
        await subject.backend.writeFile(subject.context, '/source', noise(total, 2));
        if (etag === undefined) return await upload.abortWrite();
        await assertRejects('ESTALE', async () => {
          await upload.copyChunk('/source', { offset: 0, length: total, etag }, 0);
          await upload.finishWrite();
        });
        await upload.abortWrite();
        await assertRejects('ENOENT', () => subject.backend.fileInfo(subject.context, '/file'));
      },
    ),
  ),
  ...[20, 12_000_000].map((total) =>
    copyCase(
      `gives the old ${total} bytes or rejects ESTALE when they are replaced before the end`,
      async (subject, upload) => {
        const { backend, context } = subject;
        const etag = await makeSource(subject, noise(total, 1));
        await upload.copyChunk('/source', { offset: 0, length: total, ...(etag && { etag }) }, 0);
        await backend.writeFile(context, '/source', noise(total, 2));
        const finished = await upload.finishWrite().catch((error: unknown) => error);
        if (!(finished instanceof Error)) return await assertFile(subject, '/file', noise(total, 1));
        await assertRejects('ESTALE', () => Promise.reject(finished));
        await assertRejects('ENOENT', () => backend.fileInfo(context, '/file'));
      },
    ),
  ),
  copyCase('rejects ENOENT, at the end at the latest, for a missing file', async (_, upload) => {
    await assertRejects('ENOENT', async () => {
      await upload.copyChunk('/missing', { offset: 0, length: 10 }, 0);
      await upload.finishWrite();
    });
    await upload.abortWrite();
  }),
  copyCase(
    'rejects ENOENT, at the end at the latest, for a few bytes of a missing file',
    async (_, upload) => {
      await put(upload, 0, text('abcdefgh'));
      await assertRejects('ENOENT', async () => {
        await upload.copyChunk('/missing', { offset: 0, length: 2 }, 3);
        await upload.finishWrite();
      });
      await upload.abortWrite();
    },
  ),
  copyCase(
    'rejects ESTALE, at the end at the latest, when a few bytes were replaced before it',
    async (subject, upload) => {
      const etag = await makeSource(subject, text('earlier'));
      await subject.backend.writeFile(subject.context, '/source', text('content'));
      await put(upload, 0, text('abcdefgh'));
      if (etag === undefined) return await upload.abortWrite();
      await assertRejects('ESTALE', async () => {
        await upload.copyChunk('/source', { offset: 0, length: 2, etag }, 3);
        await upload.finishWrite();
      });
      await upload.abortWrite();
    },
  ),
  copyCase('rejects EBADF after the end', async (subject, upload) => {
    await makeSource(subject, text('0123456789'));
    await upload.abortWrite();
    await assertRejects('EBADF', () => upload.copyChunk('/source', { offset: 0, length: 10 }, 0));
  }),
];
