import assert from 'node:assert/strict';
import {
  assertBytes,
  assertDirectory,
  assertFile,
  assertMissing,
  assertNames,
  assertRejects,
  crc32Base64,
  noise,
  send,
  text,
} from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

export const fileCases: readonly ConformanceCase[] = [
  {
    name: 'writeFile stores every byte value',
    async run(subject) {
      const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
      const stored = await subject.backend.writeFile(subject.context, '/file', bytes);
      assert.equal(stored.size, 256);
      await assertFile(subject, '/file', bytes);
      await assertNames(subject, '/', ['file']);
    },
  },
  {
    name: 'writeFile stores an empty file',
    async run(subject) {
      const stored = await subject.backend.writeFile(subject.context, '/file', new Uint8Array(0));
      assert.equal(stored.size, 0);
      await assertFile(subject, '/file', new Uint8Array(0));
      await assertNames(subject, '/', ['file']);
    },
  },
  {
    name: 'writeFile replaces a longer file whole',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('a long first content'));
      await backend.writeFile(context, '/file', text('short'));
      await assertFile(subject, '/file', text('short'));
      await assertNames(subject, '/', ['file']);
    },
  },
  {
    name: 'writeFile is done with its bytes when it resolves',
    async run(subject) {
      const { backend, context } = subject;
      const lent = Buffer.from('as it was lent');
      await backend.writeFile(context, '/file', lent);
      lent.fill(0xee);
      await assertFile(subject, '/file', text('as it was lent'));
    },
  },
  {
    name: 'writeFile on a directory rejects EISDIR',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await assertRejects('EISDIR', () => backend.writeFile(context, '/dir', text('no')));
      await assertRejects('EISDIR', () => backend.writeFile(context, '/', text('no')));
      await assertDirectory(subject, '/dir');
    },
  },
  {
    name: 'a file cannot be made below a missing directory',
    async run(subject) {
      const { backend, context } = subject;
      await assertRejects('ENOENT', () => backend.writeFile(context, '/missing/file', text('no')));
      await assertRejects('ENOENT', () => send(subject, '/missing/file', [[0, text('no')]]));
      await assertMissing(subject, '/missing');
    },
  },
  {
    name: 'a file cannot be made below a file',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('kept'));
      await assertRejects('ENOTDIR', () => backend.writeFile(context, '/file/below', text('no')));
      await assertRejects('ENOTDIR', () => send(subject, '/file/below', [[0, text('no')]]));
      await assertFile(subject, '/file', text('kept'));
    },
  },
  {
    name: 'readFile of a missing file rejects ENOENT',
    async run({ backend, context }) {
      await assertRejects('ENOENT', () => backend.readFile(context, '/missing'));
    },
  },
  {
    name: 'readFile of a directory rejects EISDIR',
    async run({ backend, context }) {
      await backend.makeDir(context, '/dir');
      await assertRejects('EISDIR', () => backend.readFile(context, '/dir'));
      await assertRejects('EISDIR', () => backend.readFile(context, '/'));
    },
  },
  {
    name: 'what a reader does with the bytes it got does not change the file',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('original'));
      (await backend.readFile(context, '/file')).fill(0xee);
      (await backend.readFileRange(context, '/file', { offset: 0, length: 8 })).fill(0xee);
      await assertFile(subject, '/file', text('original'));
    },
  },
  {
    name: 'delete removes a file and nothing else',
    async run(subject) {
      const { backend, context } = subject;
      for (const path of ['/file', '/file2', '/fil']) await backend.writeFile(context, path, text(path));
      await backend.delete(context, '/file');
      await assertMissing(subject, '/file');
      await assertNames(subject, '/', ['file2', 'fil']);
    },
  },
  {
    name: 'delete of a missing file rejects ENOENT',
    async run({ backend, context }) {
      await assertRejects('ENOENT', () => backend.delete(context, '/missing'));
      await backend.writeFile(context, '/file', text('once'));
      await backend.delete(context, '/file');
      await assertRejects('ENOENT', () => backend.delete(context, '/file'));
    },
  },
  {
    name: 'delete of a directory rejects EISDIR',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await assertRejects('EISDIR', () => backend.delete(context, '/dir'));
      await assertRejects('EISDIR', () => backend.delete(context, '/'));
      await assertDirectory(subject, '/dir');
    },
  },
  {
    name: 'an etag changes with the content and stays with it',
    async run({ backend, context }) {
      await backend.writeFile(context, '/file', text('one'));
      const first = (await backend.fileInfo(context, '/file')).etag;
      assert.equal((await backend.fileInfo(context, '/file')).etag, first);
      // The same length: an etag made of size and time alone would not notice.
      await backend.writeFile(context, '/file', text('two'));
      const second = (await backend.fileInfo(context, '/file')).etag;
      if (first !== undefined) assert.notEqual(second, first);
    },
  },
  {
    name: 'the etag and the checksum that writeFile gives are those of the file',
    async run({ backend, context }) {
      const bytes = noise(1000);
      const stored = await backend.writeFile(context, '/file', bytes);
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
    name: 'many files are written and read at the same time without mixing',
    async run({ backend, context }) {
      const paths = Array.from({ length: 24 }, (_, index) => `/file-${index}`);
      await Promise.all(
        paths.map(async (path, seed) => {
          await backend.writeFile(context, path, noise(5000, seed));
          assertBytes(await backend.readFile(context, path), noise(5000, seed), path);
        }),
      );
      await Promise.all(
        paths.map(async (path, seed) => {
          assertBytes(await backend.readFile(context, path), noise(5000, seed), path);
        }),
      );
    },
  },
];
