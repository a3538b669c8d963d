import assert from 'node:assert/strict';
import {
  assertDirectory,
  assertFile,
  assertMissing,
  assertNames,
  assertRejects,
  crc32Base64,
  listEntries,
  noise,
  text,
} from '../probe.ts';
import type { ConformanceCase } from '../subject.ts';

export const renameCases: readonly ConformanceCase[] = [
  {
    name: 'rename moves a file to a new name',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', noise(5000));
      await backend.rename(context, '/from', '/to');
      await assertMissing(subject, '/from');
      await assertFile(subject, '/to', noise(5000));
      await assertNames(subject, '/', ['to']);
    },
  },
  {
    name: 'rename tells what the store has of a file at its new name, and nothing of a directory',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', noise(5000));
      await backend.makeDir(context, '/dir');
      const moved = await backend.rename(context, '/from', '/to');
      assert.equal(moved?.size, 5000);
      if (moved?.checksum !== undefined) assert.equal(moved.checksum.value, crc32Base64(noise(5000)));
      assert.equal(await backend.rename(context, '/dir', '/moved'), undefined);
      assert.equal((await backend.rename(context, '/to', '/to'))?.size, 5000);
    },
  },
  {
    name: 'rename with exclusive rejects EEXIST for whatever stands at the target, and changes nothing',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', text('new'));
      await backend.writeFile(context, '/file', text('kept'));
      await backend.makeDir(context, '/dir');
      const exclusive = { exclusive: true };
      await assertRejects('EEXIST', () => backend.rename(context, '/from', '/file', exclusive));
      await assertRejects('EEXIST', () => backend.rename(context, '/from', '/dir', exclusive));
      await assertFile(subject, '/from', text('new'));
      await assertFile(subject, '/file', text('kept'));
      await backend.rename(context, '/from', '/to', exclusive);
      await assertFile(subject, '/to', text('new'));
    },
  },
  {
    name: 'rename moves an empty file',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', new Uint8Array(0));
      await backend.rename(context, '/from', '/to');
      await assertMissing(subject, '/from');
      await assertFile(subject, '/to', new Uint8Array(0));
    },
  },
  {
    name: 'rename moves a file into another directory and back',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/a');
      await backend.makeDir(context, '/b');
      await backend.writeFile(context, '/a/file', text('moved'));
      await backend.rename(context, '/a/file', '/b/renamed');
      await assertNames(subject, '/a', []);
      await assertFile(subject, '/b/renamed', text('moved'));
      await backend.rename(context, '/b/renamed', '/a/file');
      await assertNames(subject, '/b', []);
      await assertFile(subject, '/a/file', text('moved'));
    },
  },
  {
    name: 'rename onto an existing file replaces it',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', text('new'));
      await backend.writeFile(context, '/to', text('old, and longer'));
      await backend.rename(context, '/from', '/to');
      await assertMissing(subject, '/from');
      await assertFile(subject, '/to', text('new'));
      await assertNames(subject, '/', ['to']);
    },
  },
  {
    name: 'rename moves a directory with everything in it',
    async run(subject) {
      const { backend, context } = subject;
      for (const path of ['/from', '/from/inner', '/from/inner/deep', '/from/empty', '/elsewhere']) {
        await backend.makeDir(context, path);
      }
      for (const path of ['one', 'two', 'inner/one', 'inner/deep/one']) {
        await backend.writeFile(context, `/from/${path}`, text(path));
      }
      await backend.rename(context, '/from', '/elsewhere/to');
      await assertMissing(subject, '/from');
      await assertMissing(subject, '/from/inner/deep/one');
      await assertNames(subject, '/', ['elsewhere']);
      await assertNames(subject, '/elsewhere/to', ['one', 'two', 'inner', 'empty']);
      await assertNames(subject, '/elsewhere/to/inner', ['one', 'deep']);
      await assertNames(subject, '/elsewhere/to/empty', []);
      for (const path of ['one', 'two', 'inner/one', 'inner/deep/one']) {
        await assertFile(subject, `/elsewhere/to/${path}`, text(path));
      }
    },
  },
  {
    name: 'rename moves an empty directory',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/from');
      await backend.rename(context, '/from', '/to');
      await assertMissing(subject, '/from');
      await assertNames(subject, '/to', []);
    },
  },
  {
    name: 'rename of a directory leaves alone what only shares the beginning of its name',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/in');
      await backend.makeDir(context, '/inbox');
      for (const path of ['/in/file', '/inbox/file', '/in.txt']) {
        await backend.writeFile(context, path, text(path));
      }
      await backend.rename(context, '/in', '/out');
      await assertNames(subject, '/', ['out', 'inbox', 'in.txt']);
      await assertFile(subject, '/out/file', text('/in/file'));
      await assertFile(subject, '/inbox/file', text('/inbox/file'));
    },
  },
  {
    name: 'rename of a directory onto an empty directory replaces it',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/from');
      await backend.makeDir(context, '/to');
      await backend.writeFile(context, '/from/file', text('moved'));
      await backend.rename(context, '/from', '/to');
      await assertMissing(subject, '/from');
      await assertFile(subject, '/to/file', text('moved'));
    },
  },
  {
    name: 'rename of a directory onto one that is not empty rejects ENOTEMPTY',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/from');
      await backend.makeDir(context, '/to');
      await backend.writeFile(context, '/from/a', text('a'));
      await backend.writeFile(context, '/to/b', text('b'));
      await assertRejects('ENOTEMPTY', () => backend.rename(context, '/from', '/to'));
      await assertNames(subject, '/from', ['a']);
      await assertNames(subject, '/to', ['b']);
    },
  },
  {
    name: 'rename of a directory onto the one that holds it rejects ENOTEMPTY',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/outer');
      await backend.makeDir(context, '/outer/inner');
      await assertRejects('ENOTEMPTY', () => backend.rename(context, '/outer/inner', '/outer'));
      await assertDirectory(subject, '/outer/inner');
    },
  },
  {
    name: 'rename of a directory onto a file rejects ENOTDIR',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/from');
      await backend.writeFile(context, '/to', text('kept'));
      await assertRejects('ENOTDIR', () => backend.rename(context, '/from', '/to'));
      await assertDirectory(subject, '/from');
      await assertFile(subject, '/to', text('kept'));
    },
  },
  {
    name: 'rename of a file onto a directory rejects EISDIR',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', text('kept'));
      await backend.makeDir(context, '/to');
      await assertRejects('EISDIR', () => backend.rename(context, '/from', '/to'));
      await assertFile(subject, '/from', text('kept'));
      await assertNames(subject, '/to', []);
    },
  },
  {
    name: 'rename of a directory into itself rejects EINVAL',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await backend.makeDir(context, '/dir/inner');
      await backend.writeFile(context, '/dir/file', text('kept'));
      await assertRejects('EINVAL', () => backend.rename(context, '/dir', '/dir/below'));
      await assertRejects('EINVAL', () => backend.rename(context, '/dir', '/dir/inner'));
      await assertRejects('EINVAL', () => backend.rename(context, '/dir', '/dir/inner/below'));
      await assertNames(subject, '/dir', ['file', 'inner']);
      await assertFile(subject, '/dir/file', text('kept'));
    },
  },
  {
    name: 'rename to the very same name changes nothing',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await backend.writeFile(context, '/dir/file', text('kept'));
      await backend.rename(context, '/dir/file', '/dir/file');
      await backend.rename(context, '/dir', '/dir');
      await assertNames(subject, '/', ['dir']);
      await assertFile(subject, '/dir/file', text('kept'));
    },
  },
  {
    name: 'rename of a missing source rejects ENOENT',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/to', text('kept'));
      await assertRejects('ENOENT', () => backend.rename(context, '/missing', '/to'));
      await assertRejects('ENOENT', () => backend.rename(context, '/missing', '/missing'));
      await assertRejects('ENOENT', () => backend.rename(context, '/missing', '/new'));
      await assertFile(subject, '/to', text('kept'));
      await assertMissing(subject, '/new');
    },
  },
  {
    name: 'a file cannot be renamed to below a missing directory',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', text('kept'));
      await assertRejects('ENOENT', () => backend.rename(context, '/from', '/missing/to'));
      await assertFile(subject, '/from', text('kept'));
      await assertMissing(subject, '/missing');
    },
  },
  {
    name: 'a file cannot be renamed to below a file',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/from', text('kept'));
      await backend.writeFile(context, '/file', text('kept too'));
      await assertRejects('ENOTDIR', () => backend.rename(context, '/from', '/file/to'));
      await assertFile(subject, '/from', text('kept'));
      await assertFile(subject, '/file', text('kept too'));
    },
  },
  {
    name: 'the root is neither renamed nor replaced',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/dir');
      await backend.writeFile(context, '/dir/file', text('kept'));
      // rename(2) has EBUSY for both; each of the others is as true.
      await assertRejects(['EBUSY', 'EINVAL'], () => backend.rename(context, '/', '/new'));
      await assertRejects(['EBUSY', 'ENOTEMPTY'], () => backend.rename(context, '/dir', '/'));
      await assertRejects(['EBUSY', 'EISDIR'], () => backend.rename(context, '/dir/file', '/'));
      await assertNames(subject, '/', ['dir']);
      await assertFile(subject, '/dir/file', text('kept'));
    },
  },
  {
    name: 'a name that was renamed away is free again',
    async run(subject) {
      const { backend, context } = subject;
      await backend.writeFile(context, '/name', text('first'));
      await backend.rename(context, '/name', '/kept');
      await backend.makeDir(context, '/name');
      await assertNames(subject, '/', ['name', 'kept']);
      await assertRejects('ENOTDIR', () => listEntries(subject, '/kept'));
    },
  },
];
