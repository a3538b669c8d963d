import { assertDirectory, assertFile, assertMissing, assertNames, assertRejects, text } from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

export const directoryCases: readonly ConformanceCase[] = [
  {
    name: 'makeDir makes a directory, also below another',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/a');
      await backend.makeDir(context, '/a/b');
      await assertDirectory(subject, '/a');
      await assertDirectory(subject, '/a/b');
      await assertNames(subject, '/', ['a']);
      await assertNames(subject, '/a', ['b']);
    },
  },
  {
    name: 'makeDir rejects EEXIST where a directory is',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await backend.writeFile(context, '/dir/file', text('kept'));
      await assertRejects('EEXIST', () => backend.makeDir(context, '/dir'));
      await assertFile(subject, '/dir/file', text('kept'));
    },
  },
  {
    name: 'makeDir rejects EEXIST where a file is',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('kept'));
      await assertRejects('EEXIST', () => backend.makeDir(context, '/file'));
      await assertFile(subject, '/file', text('kept'));
    },
  },
  {
    name: 'makeDir of the root rejects EEXIST',
    async run({ backend, context }) {
      await assertRejects('EEXIST', () => backend.makeDir(context, '/'));
    },
  },
  {
    name: 'a directory cannot be made below a missing directory',
    async run(subject) {
      const { backend, context } = subject;
      await assertRejects('ENOENT', () => backend.makeDir(context, '/missing/dir'));
      await assertMissing(subject, '/missing');
    },
  },
  {
    name: 'a directory cannot be made below a file',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('kept'));
      await assertRejects('ENOTDIR', () => backend.makeDir(context, '/file/dir'));
      await assertFile(subject, '/file', text('kept'));
    },
  },
  {
    name: 'delDir removes an empty directory and nothing else',
    async run(subject) {
      const { backend, context } = subject;
      for (const path of ['/a', '/a/b', '/a/bc']) await backend.makeDir(context, path);
      await backend.delDir(context, '/a/b');
      await assertMissing(subject, '/a/b');
      await assertNames(subject, '/a', ['bc']);
    },
  },
  {
    name: 'delDir rejects ENOTEMPTY for a directory that holds a file',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await backend.writeFile(context, '/dir/file', text('kept'));
      await assertRejects('ENOTEMPTY', () => backend.delDir(context, '/dir'));
      await assertFile(subject, '/dir/file', text('kept'));
    },
  },
  {
    name: 'delDir rejects ENOTEMPTY for a directory that holds only an empty directory',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await backend.makeDir(context, '/dir/inner');
      await assertRejects('ENOTEMPTY', () => backend.delDir(context, '/dir'));
      await assertDirectory(subject, '/dir/inner');
    },
  },
  {
    name: 'delDir of a missing directory rejects ENOENT',
    async run({ backend, context }) {
      await assertRejects('ENOENT', () => backend.delDir(context, '/missing'));
    },
  },
  {
    name: 'delDir of a file rejects ENOTDIR',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/file', text('kept'));
      await assertRejects('ENOTDIR', () => backend.delDir(context, '/file'));
      await assertFile(subject, '/file', text('kept'));
    },
  },
  {
    name: 'delDir of the root rejects EBUSY, empty or not',
    async run(subject) {
      const { backend, context } = subject;
      await assertRejects('EBUSY', () => backend.delDir(context, '/'));
      await backend.writeFile(context, '/file', text('kept'));
      await assertRejects('EBUSY', () => backend.delDir(context, '/'));
      await assertFile(subject, '/file', text('kept'));
    },
  },
  {
    name: 'a directory that was removed can be made again',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await backend.delDir(context, '/dir');
      await backend.makeDir(context, '/dir');
      await assertNames(subject, '/dir', []);
    },
  },
  {
    name: 'a directory stays when its last file is deleted',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await backend.writeFile(context, '/dir/file', text('gone soon'));
      await backend.delete(context, '/dir/file');
      await assertDirectory(subject, '/dir');
      await assertNames(subject, '/dir', []);
      await backend.delDir(context, '/dir');
      await assertMissing(subject, '/dir');
    },
  },
];
