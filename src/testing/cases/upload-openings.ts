import {
  APPEND,
  assertFile,
  assertMissing,
  assertNames,
  assertRejects,
  EXCLUSIVE,
  put,
  REPLACE,
  send,
  text,
  UPDATE,
} from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

/** What an upload may be opened on, by its options. */
export const uploadOpeningCases: readonly ConformanceCase[] = [
  {
    name: 'beginWrite on a directory rejects EISDIR',
    async run({ backend, context }) {
      await backend.makeDir(context, '/dir');
      for (const options of [REPLACE, UPDATE, APPEND]) {
        await assertRejects('EISDIR', () => backend.beginWrite(context, '/dir', options));
        await assertRejects('EISDIR', () => backend.beginWrite(context, '/', options));
      }
    },
  },
  {
    name: 'beginWrite without create rejects ENOENT for a missing file',
    async run(subject) {
      const { backend, context } = subject;
      for (const options of [REPLACE, UPDATE, APPEND]) {
        await assertRejects('ENOENT', () =>
          backend.beginWrite(context, '/file', { ...options, create: false }),
        );
      }
      await assertMissing(subject, '/file');
    },
  },
  {
    name: 'beginWrite without create opens a file that is there',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('earlier'));
      await send(subject, '/file', [[0, text('EAR')]], { ...UPDATE, create: false });
      await assertFile(subject, '/file', text('EARlier'));
      await send(subject, '/file', [[0, text('new')]], { ...REPLACE, create: false });
      await assertFile(subject, '/file', text('new'));
    },
  },
  {
    name: 'an exclusive upload of a file that is there rejects EEXIST',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('earlier'));
      await assertRejects('EEXIST', () => backend.beginWrite(context, '/file', EXCLUSIVE));
      await assertRejects('EEXIST', () =>
        backend.beginWrite(context, '/file', { ...EXCLUSIVE, truncate: true }),
      );
      await assertFile(subject, '/file', text('earlier'));
    },
  },
  {
    name: 'an exclusive upload of a new name makes the file',
    async run(subject) {
      await send(subject, '/file', [[0, text('new')]], EXCLUSIVE);
      await assertFile(subject, '/file', text('new'));
    },
  },
  {
    name: 'of two exclusive uploads of one name the second to finish rejects EEXIST',
    async run(subject) {
      const { backend, context } = subject;
      const first = await backend.beginWrite(context, '/file', EXCLUSIVE);
      const second = await backend.beginWrite(context, '/file', EXCLUSIVE);
      await put(first, 0, text('first'));
      await put(second, 0, text('second'));
      await second.finishWrite();
      await assertRejects('EEXIST', () => first.finishWrite());
      await assertFile(subject, '/file', text('second'));
      await assertNames(subject, '/', ['file']);
    },
  },
];
