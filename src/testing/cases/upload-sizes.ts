import assert from 'node:assert/strict';
import { APPEND, assertFile, begin, createRandom, noise, put, REPLACE, text, UPDATE } from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

/** What `setSize` makes of an upload, alone and among writes. */
export const uploadSizeCases: readonly ConformanceCase[] = [
  {
    name: 'setSize drops what lies past it',
    async run(subject) {
      const upload = await begin(subject);
      await put(upload, 0, noise(50_000));
      await upload.setSize(1234);
      assert.equal(upload.size, 1234);
      const stored = await upload.finishWrite();
      assert.equal(stored.size, 1234);
      await assertFile(subject, '/file', noise(50_000).subarray(0, 1234));
    },
  },
  {
    name: 'setSize past the end adds zeros',
    async run(subject) {
      const upload = await begin(subject);
      await put(upload, 0, text('abc'));
      await upload.setSize(50_000);
      assert.equal(upload.size, 50_000);
      await upload.finishWrite();
      await assertFile(subject, '/file', Buffer.concat([text('abc'), new Uint8Array(49_997)]));
    },
  },
  {
    name: 'setSize alone makes a file of zeros',
    async run(subject) {
      const upload = await begin(subject);
      await upload.setSize(10_000);
      await upload.finishWrite();
      await assertFile(subject, '/file', new Uint8Array(10_000));
    },
  },
  {
    name: 'bytes that setSize dropped do not come back',
    async run(subject) {
      const upload = await begin(subject);
      await put(upload, 0, text('abcdefgh'));
      await upload.setSize(2);
      await upload.setSize(4);
      await put(upload, 6, text('z'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('ab\0\0\0\0z'));
    },
  },
  {
    name: 'setSize cuts earlier content that was kept',
    async run(subject) {
      await subject.backend.writeFile(subject.context, '/file', text('earlier content'));
      const upload = await subject.backend.beginWrite(subject.context, '/file', UPDATE);
      await upload.setSize(7);
      await put(upload, 9, text('!'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('earlier\0\0!'));
    },
  },
  {
    name: 'setSize moves the end that append writes to',
    async run(subject) {
      await subject.backend.writeFile(subject.context, '/file', text('abcdef'));
      const upload = await subject.backend.beginWrite(subject.context, '/file', APPEND);
      await upload.setSize(3);
      await put(upload, 0, text('X'));
      await upload.finishWrite();
      await assertFile(subject, '/file', text('abcX'));
    },
  },
  {
    name: 'the size of an upload is that of the file if it were finished now',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('12345'));
      const update = await backend.beginWrite(context, '/file', UPDATE);
      assert.equal(update.size, 5);
      await put(update, 0, text('1'));
      assert.equal(update.size, 5);
      await put(update, 9, text('0'));
      assert.equal(update.size, 10);
      await update.setSize(2);
      assert.equal(update.size, 2);
      await update.abortWrite();
      const append = await backend.beginWrite(context, '/file', APPEND);
      await put(append, 0, text('678'));
      assert.equal(append.size, 8);
      await append.abortWrite();
      const replace = await backend.beginWrite(context, '/file', REPLACE);
      assert.equal(replace.size, 0);
      await replace.abortWrite();
    },
  },
  ...[1, 2, 3, 4].map(
    (seed): ConformanceCase => ({
      name: `a random mix of writes and setSize leaves what a plain array would hold (seed ${seed})`,
      async run(subject) {
        const random = createRandom(seed);
        const upTo = (limit: number) => Math.floor(random() * limit);
        const model = { bytes: new Uint8Array(400_000), size: 0 };
        const upload = await begin(subject);
        for (let step = 0; step < 80; step += 1) {
          if (random() < 0.12) {
            const size = upTo(260_000);
            await upload.setSize(size);
            model.bytes.fill(0, size);
            model.size = size;
          } else {
            const offset = upTo(220_000);
            const bytes = noise(upTo(33_000), step);
            await put(upload, offset, bytes);
            model.bytes.set(bytes, offset);
            if (bytes.length > 0) model.size = Math.max(model.size, offset + bytes.length);
          }
          assert.equal(upload.size, model.size, `size after step ${step}`);
        }
        await upload.finishWrite();
        await assertFile(subject, '/file', model.bytes.subarray(0, model.size));
      },
    }),
  ),
];
