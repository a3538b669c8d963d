import assert from 'node:assert/strict';
import type { Upload } from '../../contract/backend.ts';
import {
  APPEND,
  assertBytes,
  assertFile,
  assertRejects,
  begin,
  createRandom,
  inChunks,
  noise,
  put,
  REPLACE,
  text,
  UPDATE,
} from '../probe.ts';
import type { ConformanceCase, ConformanceSubject } from '../subject.ts';

/** As {@link begin}, by a client that has said that it will read. */
function beginReading({ backend, context }: ConformanceSubject): Promise<Upload> {
  return backend.beginWrite(context, '/file', { ...REPLACE, read: true });
}

/** The file as it would be if it were finished now, by one read that goes past its end. */
async function assertReads(upload: Upload, expected: Uint8Array, what?: string): Promise<void> {
  assertBytes(await upload.readChunk(0, upload.size + 1000), expected, what);
}

/** What `readChunk` gives back of an upload that goes on. */
export const uploadReadCases: readonly ConformanceCase[] = [
  {
    name: 'readChunk gives back what was written',
    async run(subject) {
      const upload = await beginReading(subject);
      const bytes = noise(100_000);
      for (const [offset, chunk] of inChunks(bytes, 30_000)) await put(upload, offset, chunk);
      assertBytes(await upload.readChunk(29_990, 20), bytes.subarray(29_990, 30_010));
      assertBytes(await upload.readChunk(0, 100_000), bytes);
      await upload.finishWrite();
      await assertFile(subject, '/file', bytes);
    },
  },
  {
    name: 'readChunk is short at the end of the file, and empty at it and past it',
    async run(subject) {
      const upload = await beginReading(subject);
      assert.equal((await upload.readChunk(0, 10)).length, 0);
      await put(upload, 0, text('content'));
      assertBytes(await upload.readChunk(4, 100), text('ent'));
      assertBytes(await upload.readChunk(6, 1), text('t'));
      for (const offset of [7, 8, 2 ** 40]) assert.equal((await upload.readChunk(offset, 10)).length, 0);
      assert.equal((await upload.readChunk(3, 0)).length, 0);
      await upload.abortWrite();
    },
  },
  {
    name: 'readChunk gives zeros for a hole',
    async run(subject) {
      const upload = await beginReading(subject);
      await put(upload, 4, text('b'));
      await put(upload, 60_000, text('c'));
      assertBytes(await upload.readChunk(2, 4), text('\0\0b\0'));
      assertBytes(await upload.readChunk(59_998, 10), text('\0\0c'));
      await put(upload, 0, text('aa'));
      assertBytes(await upload.readChunk(0, 6), text('aa\0\0b\0'));
      await upload.abortWrite();
    },
  },
  {
    name: 'readChunk gives what was written last',
    async run(subject) {
      const upload = await beginReading(subject);
      await put(upload, 0, text('abcdef'));
      await put(upload, 2, text('XY'));
      await assertReads(upload, text('abXYef'));
      await put(upload, 0, text('12'));
      await assertReads(upload, text('12XYef'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('12XYef'));
    },
  },
  {
    name: 'readChunk gives what setSize has left',
    async run(subject) {
      const upload = await beginReading(subject);
      await put(upload, 0, text('abcdef'));
      await upload.setSize(2);
      await assertReads(upload, text('ab'));
      await upload.setSize(5);
      await assertReads(upload, text('ab\0\0\0'));
      await upload.setSize(0);
      await assertReads(upload, text(''));
      await upload.abortWrite();
    },
  },
  {
    name: 'readChunk gives earlier content that is kept, and what was written over it',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('earlier content'));
      const upload = await backend.beginWrite(context, '/file', { ...UPDATE, read: true });
      await assertReads(upload, text('earlier content'));
      await put(upload, 8, text('CONT'));
      assertBytes(await upload.readChunk(6, 8), text('r CONTen'));
      await put(upload, 17, text('!'));
      await assertReads(upload, text('earlier CONTent\0\0!'));
      await upload.setSize(9);
      await upload.setSize(11);
      await assertReads(upload, text('earlier C\0\0'));
      await upload.abortWrite();
      await assertFile(subject, '/file', text('earlier content'));
    },
  },
  {
    name: 'readChunk gives what append has added to earlier content',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('log:'));
      const upload = await backend.beginWrite(context, '/file', { ...APPEND, read: true });
      await put(upload, 0, text(' one'));
      assertBytes(await upload.readChunk(2, 100), text('g: one'));
      await upload.abortWrite();
    },
  },
  {
    name: 'readChunk gives nothing of earlier content that was truncated',
    async run(subject) {
      await subject.backend.writeFile(subject.context, '/file', text('earlier content'));
      const upload = await beginReading(subject);
      await put(upload, 4, text('new'));
      await assertReads(upload, text('\0\0\0\0new'));
      await upload.abortWrite();
    },
  },
  {
    name: 'what a reader does with the bytes of readChunk does not change the upload',
    async run(subject) {
      const upload = await beginReading(subject);
      await put(upload, 0, text('original'));
      (await upload.readChunk(0, 8)).fill(0xee);
      await assertReads(upload, text('original'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('original'));
    },
  },
  {
    name: 'readChunk of what a long upload began with gives it, if the upload was begun to be read',
    async run(subject) {
      const upload = await beginReading(subject);
      const bytes = noise(12_000_000);
      for (const [offset, chunk] of inChunks(bytes, 261_120)) await put(upload, offset, chunk);
      assertBytes(await upload.readChunk(0, 261_120), bytes.subarray(0, 261_120));
      assertBytes(await upload.readChunk(5_200_000, 261_120), bytes.subarray(5_200_000, 5_461_120));
      await put(upload, 100, noise(50, 2));
      bytes.set(noise(50, 2), 100);
      assertBytes(await upload.readChunk(0, 1000), bytes.subarray(0, 1000));
      await upload.finishWrite();
      await assertFile(subject, '/file', bytes);
    },
  },
  {
    name: 'readChunk of what a long upload began with gives it or rejects ENOTSUP, if nobody said it would be read',
    async run(subject) {
      const upload = await begin(subject);
      const bytes = noise(12_000_000);
      for (const [offset, chunk] of inChunks(bytes, 261_120)) await put(upload, offset, chunk);
      const beginning = await upload.readChunk(0, 1000).catch((error: unknown) => error);
      if (beginning instanceof Uint8Array) assertBytes(beginning, bytes.subarray(0, 1000));
      else await assertRejects('ENOTSUP', () => Promise.reject(beginning));
      await upload.abortWrite();
    },
  },
  {
    name: 'readChunk rejects EBADF after the end',
    async run(subject) {
      const finished = await beginReading(subject);
      await put(finished, 0, text('content'));
      await finished.finishWrite();
      await assertRejects('EBADF', () => finished.readChunk(0, 7));
      const aborted = await beginReading(subject);
      await aborted.abortWrite();
      await assertRejects('EBADF', () => aborted.readChunk(0, 7));
    },
  },
  ...[1, 2].map(
    (seed): ConformanceCase => ({
      name: `reads among random writes and setSize give what a plain array would hold (seed ${seed})`,
      async run(subject) {
        const { backend, context } = subject;
        const random = createRandom(seed);
        const upTo = (limit: number) => Math.floor(random() * limit);
        const model = { bytes: new Uint8Array(300_000), size: 90_000 };
        model.bytes.set(noise(90_000, seed));
        await backend.writeFile(context, '/file', model.bytes.subarray(0, model.size));
        const upload = await backend.beginWrite(context, '/file', { ...UPDATE, read: true });
        for (let step = 0; step < 60; step += 1) {
          const [kind, offset, length] = [random(), upTo(200_000), upTo(33_000)];
          if (kind < 0.1) {
            await upload.setSize(offset);
            model.bytes.fill(0, offset);
            model.size = offset;
          } else if (kind < 0.6) {
            await put(upload, offset, noise(length, step));
            model.bytes.set(noise(length, step), offset);
            if (length > 0) model.size = Math.max(model.size, offset + length);
          }
          const expected = model.bytes.subarray(0, model.size).subarray(offset, offset + length);
          assertBytes(await upload.readChunk(offset, length), expected, `the read after step ${step}`);
        }
        await upload.finishWrite();
        await assertFile(subject, '/file', model.bytes.subarray(0, model.size));
      },
    }),
  ),
];
