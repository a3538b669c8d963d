import assert from 'node:assert/strict';
import {
  APPEND,
  assertFile,
  begin,
  createRandom,
  inChunks,
  noise,
  put,
  send,
  text,
  UPDATE,
} from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

/** Bytes and the size of the chunks they are sent in: what clients use, and one more and one less. */
const CHUNKINGS: readonly (readonly [total: number, chunkSize: number])[] = [
  [1, 1],
  [300, 1],
  [10_007, 7],
  [100_000, 4096],
  [200_000, 32_767],
  [262_144, 32_768],
  [262_145, 32_768],
  [200_000, 32_769],
  [600_000, 261_120],
  [12_000_000, 32_768],
];

/** What an upload holds in the end: what a POSIX file would, whatever the order of the writes. */
export const uploadContentCases: readonly ConformanceCase[] = [
  ...CHUNKINGS.map(
    ([total, chunkSize]): ConformanceCase => ({
      name: `an upload of ${total} bytes in chunks of ${chunkSize} holds them`,
      async run(subject) {
        const bytes = noise(total);
        const stored = await send(subject, '/file', inChunks(bytes, chunkSize));
        assert.equal(stored.size, total);
        await assertFile(subject, '/file', bytes);
      },
    }),
  ),
  {
    name: 'an upload without a write makes an empty file',
    async run(subject) {
      const stored = await send(subject, '/file', []);
      assert.equal(stored.size, 0);
      await assertFile(subject, '/file', new Uint8Array(0));
    },
  },
  {
    name: 'an upload with truncate and without a write empties the file',
    async run(subject) {
      await subject.backend.writeFile(subject.context, '/file', text('earlier'));
      await send(subject, '/file', []);
      await assertFile(subject, '/file', new Uint8Array(0));
    },
  },
  {
    name: 'an empty chunk changes nothing, wherever it is written',
    async run(subject) {
      const upload = await begin(subject);
      await put(upload, 0, text('abc'));
      await put(upload, 0, new Uint8Array(0));
      await put(upload, 1000, new Uint8Array(0));
      assert.equal(upload.size, 3);
      await upload.finishWrite();
      await assertFile(subject, '/file', text('abc'));
    },
  },
  {
    name: 'chunks written from the last to the first make the file',
    async run(subject) {
      const bytes = noise(300_000);
      await send(subject, '/file', inChunks(bytes, 20_000).reverse());
      await assertFile(subject, '/file', bytes);
    },
  },
  {
    name: 'chunks written in a random order make the file',
    async run(subject) {
      const bytes = noise(300_000);
      const random = createRandom(7);
      const writes = inChunks(bytes, 10_000)
        .map((write) => ({ write, rank: random() }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ write }) => write);
      await send(subject, '/file', writes);
      await assertFile(subject, '/file', bytes);
    },
  },
  {
    name: 'the same chunks written twice make the file once',
    async run(subject) {
      const bytes = noise(100_000);
      const writes = inChunks(bytes, 10_000);
      const stored = await send(subject, '/file', [...writes, ...writes]);
      assert.equal(stored.size, bytes.length);
      await assertFile(subject, '/file', bytes);
    },
  },
  {
    name: 'where writes overlap the later one wins',
    async run(subject) {
      const expected = new Uint8Array(60_000);
      const writes = [
        [0, noise(40_000, 1)],
        [20_000, noise(40_000, 2)],
        [10_000, noise(20_000, 3)],
        [0, noise(1, 4)],
        [59_999, noise(1, 5)],
        [19_999, noise(2, 6)],
      ] as const;
      for (const [offset, bytes] of writes) expected.set(bytes, offset);
      await send(subject, '/file', writes);
      await assertFile(subject, '/file', expected);
    },
  },
  {
    name: 'a hole that is left reads as zeros',
    async run(subject) {
      const expected = new Uint8Array(150_100);
      expected.set(noise(100, 1), 0);
      expected.set(noise(100, 2), 150_000);
      await send(subject, '/file', [
        [0, noise(100, 1)],
        [150_000, noise(100, 2)],
      ]);
      await assertFile(subject, '/file', expected);
    },
  },
  {
    name: 'a hole at the start reads as zeros',
    async run(subject) {
      await send(subject, '/file', [[1000, text('end')]]);
      await assertFile(subject, '/file', Buffer.concat([new Uint8Array(1000), text('end')]));
    },
  },
  {
    name: 'a hole that is filled later holds what was filled in',
    async run(subject) {
      await send(subject, '/file', [
        [0, text('aa')],
        [6, text('dd')],
        [2, text('bb')],
      ]);
      await assertFile(subject, '/file', text('aabb\0\0dd'));
    },
  },
  {
    name: 'without truncate, bytes not written keep their old value',
    async run(subject) {
      const { backend, context } = subject;
      const expected = noise(100_000, 1);
      await backend.writeFile(context, '/file', expected);
      const writes = [
        [50_000, noise(1000, 2)],
        [0, noise(10, 3)],
      ] as const;
      for (const [offset, bytes] of writes) expected.set(bytes, offset);
      const stored = await send(subject, '/file', writes, UPDATE);
      assert.equal(stored.size, 100_000);
      await assertFile(subject, '/file', expected);
    },
  },
  {
    name: 'without truncate, a file grows when it is written past its end',
    async run(subject) {
      await subject.backend.writeFile(subject.context, '/file', text('abc'));
      await send(
        subject,
        '/file',
        [
          [5, text('fg')],
          [2, text('C')],
        ],
        UPDATE,
      );
      await assertFile(subject, '/file', text('abC\0\0fg'));
    },
  },
  {
    name: 'without truncate and without a write, the file stays as it was',
    async run(subject) {
      await subject.backend.writeFile(subject.context, '/file', text('kept'));
      const stored = await send(subject, '/file', [], UPDATE);
      assert.equal(stored.size, 4);
      await assertFile(subject, '/file', text('kept'));
    },
  },
  {
    name: 'with append, every write goes to the end, whatever its offset',
    async run(subject) {
      await subject.backend.writeFile(subject.context, '/file', text('log:'));
      await send(
        subject,
        '/file',
        [
          [0, text(' one')],
          [0, text(' two')],
          [999_999, text(' three')],
        ],
        APPEND,
      );
      await assertFile(subject, '/file', text('log: one two three'));
    },
  },
  {
    name: 'with append, a missing file begins empty',
    async run(subject) {
      await send(
        subject,
        '/file',
        [
          [100, text('one')],
          [0, text('two')],
        ],
        APPEND,
      );
      await assertFile(subject, '/file', text('onetwo'));
    },
  },
  {
    name: 'with append and truncate, the file begins empty',
    async run(subject) {
      await subject.backend.writeFile(subject.context, '/file', text('earlier'));
      await send(
        subject,
        '/file',
        [
          [0, text('one')],
          [0, text('two')],
        ],
        { ...APPEND, truncate: true },
      );
      await assertFile(subject, '/file', text('onetwo'));
    },
  },
];
