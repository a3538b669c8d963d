import assert from 'node:assert/strict';
import {
  APPEND,
  assertFile,
  assertMissing,
  assertNames,
  assertRejects,
  crc32Base64,
  inChunks,
  noise,
  put,
  REPLACE,
  send,
  text,
  UPDATE,
} from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

/** The life of an upload: what is visible when, how it ends, and whom it meets. */
export const uploadCases: readonly ConformanceCase[] = [
  {
    name: 'nothing of an upload is visible before it finishes',
    async run(subject) {
      const { backend, context } = subject;
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await assertMissing(subject, '/file');
      await put(upload, 0, noise(100_000));
      await upload.sync();
      await assertMissing(subject, '/file');
      await assertNames(subject, '/', []);
      await upload.finishWrite();
      await assertFile(subject, '/file', noise(100_000));
      await assertNames(subject, '/', ['file']);
    },
  },
  {
    name: 'an earlier file is read as it was until an upload over it finishes',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('earlier'));
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await assertFile(subject, '/file', text('earlier'));
      await put(upload, 0, text('new'));
      await upload.sync();
      await assertFile(subject, '/file', text('earlier'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('new'));
      await assertNames(subject, '/', ['file']);
    },
  },
  {
    name: 'an aborted upload of a new name leaves nothing',
    async run(subject) {
      const { backend, context } = subject;
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await put(upload, 0, noise(100_000));
      await upload.abortWrite();
      await assertMissing(subject, '/file');
      await assertNames(subject, '/', []);
    },
  },
  {
    name: 'an aborted upload leaves an earlier file as it was',
    async run(subject) {
      const { backend, context } = subject;
      for (const options of [REPLACE, UPDATE, APPEND]) {
        await backend.writeFile(context, '/file', text('earlier'));
        const before = await backend.fileInfo(context, '/file');
        const upload = await backend.beginWrite(context, '/file', options);
        await put(upload, 0, noise(1000));
        await upload.abortWrite();
        await assertFile(subject, '/file', text('earlier'));
        assert.deepEqual(await backend.fileInfo(context, '/file'), before);
      }
    },
  },
  {
    name: 'an upload can be aborted before anything is written, and again',
    async run(subject) {
      const { backend, context } = subject;
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await upload.abortWrite();
      await upload.abortWrite();
      await assertMissing(subject, '/file');
    },
  },
  {
    name: 'aborting an upload that has finished resolves and undoes nothing',
    async run(subject) {
      const { backend, context } = subject;
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await put(upload, 0, text('kept'));
      await upload.finishWrite();
      await upload.abortWrite();
      await assertFile(subject, '/file', text('kept'));
    },
  },
  {
    name: 'an upload that has finished takes nothing more',
    async run(subject) {
      const { backend, context } = subject;
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await put(upload, 0, text('kept'));
      await upload.finishWrite();
      await assertRejects('EBADF', () => upload.writeChunk(0, text('late')));
      await assertRejects('EBADF', () => upload.setSize(0));
      await assertRejects('EBADF', async () => upload.setAttributes({ mode: 0o600 }));
      await assertRejects('EBADF', () => upload.finishWrite());
      await assertFile(subject, '/file', text('kept'));
    },
  },
  {
    name: 'an upload that was aborted takes nothing more',
    async run(subject) {
      const { backend, context } = subject;
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await upload.abortWrite();
      await assertRejects('EBADF', () => upload.writeChunk(0, text('late')));
      await assertRejects('EBADF', () => upload.setSize(10));
      await assertRejects('EBADF', () => upload.finishWrite());
      await assertMissing(subject, '/file');
    },
  },
  {
    name: 'of two uploads of one name the last to finish wins whole',
    async run(subject) {
      const { backend, context } = subject;
      const first = await backend.beginWrite(context, '/file', REPLACE);
      const second = await backend.beginWrite(context, '/file', REPLACE);
      await put(second, 0, noise(3000, 2));
      await put(first, 0, noise(2000, 1));
      await put(second, 3000, noise(3000, 3));
      await second.finishWrite();
      await assertFile(subject, '/file', Buffer.concat([noise(3000, 2), noise(3000, 3)]));
      await first.finishWrite();
      await assertFile(subject, '/file', noise(2000, 1));
      await assertNames(subject, '/', ['file']);
    },
  },
  {
    name: 'an upload that keeps earlier content keeps that of when it began',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('earlier'));
      const upload = await backend.beginWrite(context, '/file', UPDATE);
      await put(upload, 0, text('EAR'));
      await backend.writeFile(context, '/file', text('something else'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('EARlier'));
    },
  },
  {
    name: 'uploads of two names, chunk by chunk in turn, do not mix',
    async run(subject) {
      const { backend, context } = subject;
      const a = await backend.beginWrite(context, '/a', REPLACE);
      const b = await backend.beginWrite(context, '/b', REPLACE);
      for (let index = 0; index < 20; index += 1) {
        await put(a, index * 1000, noise(1000, index));
        await put(b, index * 1000, noise(1000, 100 + index));
      }
      await b.finishWrite();
      await a.finishWrite();
      const chunks = Array.from({ length: 20 }, (_, index) => index);
      await assertFile(subject, '/a', Buffer.concat(chunks.map((index) => noise(1000, index))));
      await assertFile(subject, '/b', Buffer.concat(chunks.map((index) => noise(1000, 100 + index))));
    },
  },
  {
    name: 'many uploads at the same time do not mix',
    async run(subject) {
      const paths = Array.from({ length: 12 }, (_, index) => `/file-${index}`);
      await Promise.all(
        paths.map((path, seed) => send(subject, path, inChunks(noise(70_000, seed), 10_000))),
      );
      for (const [seed, path] of paths.entries()) await assertFile(subject, path, noise(70_000, seed));
      await assertNames(
        subject,
        '/',
        paths.map((path) => path.slice(1)),
      );
    },
  },
  {
    name: 'an upload finishes under the name it was begun with, whatever was renamed meanwhile',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('earlier'));
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await put(upload, 0, text('new'));
      await backend.rename(context, '/file', '/renamed');
      await upload.finishWrite();
      await assertFile(subject, '/file', text('new'));
      await assertFile(subject, '/renamed', text('earlier'));
    },
  },
  {
    name: 'sync resolves in the middle of an upload, which then goes on',
    async run(subject) {
      const { backend, context } = subject;
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      await upload.sync();
      await put(upload, 0, text('one '));
      await upload.sync();
      await upload.sync();
      await put(upload, 4, text('two'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('one two'));
    },
  },
  {
    name: 'finishWrite gives the size, and the etag and checksum of the file if any',
    async run(subject) {
      const { backend, context } = subject;
      const bytes = noise(200_000);
      const stored = await send(subject, '/file', inChunks(bytes, 32768));
      assert.equal(stored.size, bytes.length);
      const { etag } = await backend.fileInfo(context, '/file');
      if (stored.etag !== undefined && etag !== undefined) assert.equal(stored.etag, etag);
      if (stored.checksum !== undefined) {
        assert.deepEqual(stored.checksum, {
          algorithm: 'CRC32',
          value: crc32Base64(bytes),
          type: 'FULL_OBJECT',
        });
      }
    },
  },
  {
    name: 'the checksum of an upload written out of order and rewritten is that of the file, if given',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', noise(5000, 9));
      const stored = await send(
        subject,
        '/file',
        [
          [3000, noise(1000, 1)],
          [0, noise(1000, 2)],
          [500, noise(1000, 3)],
          [9000, noise(10, 4)],
        ],
        UPDATE,
      );
      if (stored.checksum === undefined) return;
      assert.equal(stored.checksum.value, crc32Base64(await backend.readFile(context, '/file')));
    },
  },
  {
    name: 'the etag changes when an upload replaces a file',
    async run(subject) {
      const { backend, context } = subject;
      await send(subject, '/file', [[0, text('one')]]);
      const { etag } = await backend.fileInfo(context, '/file');
      await send(subject, '/file', [[0, text('two')]]);
      if (etag === undefined) return;
      assert.notEqual((await backend.fileInfo(context, '/file')).etag, etag);
      await assertRejects('ESTALE', () =>
        backend.readFileRange(context, '/file', { offset: 0, length: 3, etag }),
      );
    },
  },
  {
    name: 'unitAt, where there is one, never falls as the offset grows',
    async run({ backend, context }) {
      const upload = await backend.beginWrite(context, '/file', REPLACE);
      let previous = -Infinity;
      for (let offset = 0; offset <= 2 ** 40; offset = offset * 2 + 1) {
        const unit = upload.unitAt?.(offset) ?? 0;
        assert.ok(Number.isInteger(unit) && unit >= previous, `unit ${unit} at ${offset}`);
        previous = unit;
      }
      await upload.abortWrite();
    },
  },
];
