import assert from 'node:assert/strict';
import { assertBytes, assertRejects, noise, text } from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

const SIZE = 1000;

interface RangeExample {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

const EXAMPLES: readonly RangeExample[] = [
  { name: 'a range at the start of a file', offset: 0, length: 10 },
  { name: 'a range of one byte', offset: 500, length: 1 },
  { name: 'a range in the middle of a file', offset: 123, length: 456 },
  { name: 'a range that is the whole file', offset: 0, length: SIZE },
  { name: 'a range that ends where the file ends', offset: 900, length: 100 },
  { name: 'a range of the last byte', offset: SIZE - 1, length: 1 },
  { name: 'a range that reaches past the end is cut there', offset: 990, length: 32768 },
  { name: 'a range far longer than the file is cut at its end', offset: 0, length: 2 ** 31 },
  { name: 'a range at the very end is empty', offset: SIZE, length: 10 },
  { name: 'a range past the end is empty', offset: SIZE + 1, length: 10 },
  { name: 'a range far past the end is empty', offset: 2 ** 52, length: 32768 },
  { name: 'a range of no bytes is empty', offset: 100, length: 0 },
];

export const rangeCases: readonly ConformanceCase[] = [
  ...EXAMPLES.map(
    ({ name, offset, length }): ConformanceCase => ({
      name: `readFileRange: ${name}`,
      async run({ backend, context }) {
        const bytes = noise(SIZE);
        await backend.writeFile(context, '/file', bytes);
        const range = await backend.readFileRange(context, '/file', { offset, length });
        assertBytes(range, bytes.subarray(offset, offset + length), name);
      },
    }),
  ),
  {
    name: 'readFileRange: may be read into memory in which there are other bytes',
    async run({ backend, context }) {
      const bytes = noise(SIZE);
      await backend.writeFile(context, '/file', bytes);
      for (const offset of [0, 100, SIZE - 100]) {
        const allocate = (length: number) => new Uint8Array(length).fill(0xee);
        const range = await backend.readFileRange(context, '/file', { offset, length: 1000, allocate });
        assertBytes(range, bytes.subarray(offset, offset + 1000));
      }
    },
  },
  {
    name: 'readFileRange: any range of an empty file is empty',
    async run({ backend, context }) {
      await backend.writeFile(context, '/file', new Uint8Array(0));
      for (const offset of [0, 1, 32768]) {
        assert.equal((await backend.readFileRange(context, '/file', { offset, length: 32768 })).length, 0);
      }
    },
  },
  {
    name: 'readFileRange: consecutive ranges, asked for at once, make up the file',
    async run({ backend, context }) {
      const bytes = noise(300_000);
      await backend.writeFile(context, '/file', bytes);
      const ranges = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          backend.readFileRange(context, '/file', { offset: index * 32768, length: 32768 }),
        ),
      );
      assertBytes(Buffer.concat(ranges), bytes);
    },
  },
  {
    name: 'readFileRange: with the etag of the file it reads',
    async run({ backend, context }) {
      await backend.writeFile(context, '/file', text('content'));
      const { etag } = await backend.fileInfo(context, '/file');
      if (etag === undefined) return;
      assertBytes(
        await backend.readFileRange(context, '/file', { offset: 3, length: 4, etag }),
        text('tent'),
      );
      const atEnd = await backend.readFileRange(context, '/file', { offset: 7, length: 4, etag });
      assert.equal(atEnd.length, 0);
    },
  },
  {
    name: 'readFileRange: with the etag of earlier content it rejects ESTALE',
    async run({ backend, context }) {
      await backend.writeFile(context, '/file', text('earlier'));
      const { etag } = await backend.fileInfo(context, '/file');
      await backend.writeFile(context, '/file', text('content'));
      if (etag === undefined) return;
      await assertRejects('ESTALE', () =>
        backend.readFileRange(context, '/file', { offset: 0, length: 7, etag }),
      );
    },
  },
  {
    name: 'readFileRange of a missing file rejects ENOENT',
    async run({ backend, context }) {
      await assertRejects('ENOENT', () =>
        backend.readFileRange(context, '/missing', { offset: 0, length: 1 }),
      );
    },
  },
  {
    name: 'readFileRange of a directory rejects EISDIR',
    async run({ backend, context }) {
      await backend.makeDir(context, '/dir');
      await assertRejects('EISDIR', () => backend.readFileRange(context, '/dir', { offset: 0, length: 1 }));
    },
  },
];
