import assert from 'node:assert/strict';
import type { FileInfo } from '../../contract/types.ts';
import { assertDirectory, assertNames, assertRejects, listEntries, text } from '../probe.ts';
import type { ConformanceCase, ConformanceSubject } from '../subject.ts';

const DAY_SECONDS = 24 * 60 * 60;

export const listingCases: readonly ConformanceCase[] = [
  {
    name: 'the root of an empty tree is a directory without names',
    async run(subject) {
      await assertDirectory(subject, '/');
      assert.deepEqual(await listEntries(subject, '/'), []);
    },
  },
  {
    name: 'a directory just made is listed as empty',
    async run(subject) {
      await subject.backend.makeDir(subject.context, '/empty');
      assert.deepEqual(await listEntries(subject, '/empty'), []);
    },
  },
  {
    name: 'a listing names the files and the directories of one directory, nothing deeper',
    async run(subject) {
      await makeTree(subject);
      await assertNames(subject, '/', ['file', 'outer']);
      await assertNames(subject, '/outer', ['file', 'inner']);
      await assertNames(subject, '/outer/inner', ['file']);
    },
  },
  {
    name: 'a listing leaves out what only shares the beginning of the name',
    async run(subject) {
      const { backend, context } = subject;
      await backend.makeDir(context, '/in');
      await backend.makeDir(context, '/inbox');
      await backend.writeFile(context, '/inbox/a', text('a'));
      await backend.writeFile(context, '/in.txt', text('b'));
      await assertNames(subject, '/in', []);
      await assertNames(subject, '/inbox', ['a']);
    },
  },
  {
    name: 'a listing of more than one page holds every name once',
    async run(subject) {
      const { backend, context } = subject;
      const total = subject.longListing ?? 150;
      const names = Array.from({ length: total }, (_, index) => `file-${String(index).padStart(5, '0')}`);
      await backend.makeDir(context, '/many');
      const waiting = [...names];
      const writeSome = async () => {
        for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
          await backend.writeFile(context, `/many/${name}`, text(name));
        }
      };
      await Promise.all(Array.from({ length: 16 }, writeSome));
      await assertNames(subject, '/many', names);
    },
  },
  {
    name: 'a listing may be left before its end',
    async run(subject) {
      const { backend, context } = subject;
      await makeTree(subject);
      for await (const page of backend.listDir(context, '/')) {
        assert.ok(page.length > 0);
        break;
      }
      await assertNames(subject, '/', ['file', 'outer']);
    },
  },
  {
    name: 'a listing shows what fileInfo shows',
    async run(subject) {
      const { backend, context } = subject;
      await makeTree(subject);
      for (const { name, ...entry } of await listEntries(subject, '/outer')) {
        const info = await backend.fileInfo(context, `/outer/${name}`);
        assert.equal(entry.type, info.type, `type of ${name}`);
        assert.equal(entry.size, info.size, `size of ${name}`);
        if (entry.etag !== undefined && info.etag !== undefined) assert.equal(entry.etag, info.etag);
        // Stores give one of the two in whole seconds.
        if (info.type === 'file') assert.ok(Math.abs(entry.mtime - info.mtime) <= 1, `mtime of ${name}`);
        assertPlausible(entry);
      }
    },
  },
  {
    name: 'listing a missing directory rejects ENOENT',
    async run(subject) {
      await assertRejects('ENOENT', () => listEntries(subject, '/missing'));
      await assertRejects('ENOENT', () => listEntries(subject, '/missing/below'));
    },
  },
  {
    name: 'listing a file rejects ENOTDIR',
    async run(subject) {
      await makeTree(subject);
      await assertRejects('ENOTDIR', () => listEntries(subject, '/file'));
    },
  },
  {
    name: 'fileInfo of a file gives its type, size, permission bits and time',
    async run({ backend, context }) {
      await backend.writeFile(context, '/file', text('twelve bytes'));
      const info = await backend.fileInfo(context, '/file');
      assert.equal(info.type, 'file');
      assert.equal(info.size, 12);
      assertPlausible(info);
      assert.ok(Math.abs(info.mtime - Date.now() / 1000) < DAY_SECONDS, `mtime ${info.mtime} is not now`);
    },
  },
  {
    name: 'fileInfo of a directory gives its type and size 0',
    async run({ backend, context }) {
      await backend.makeDir(context, '/dir');
      await backend.writeFile(context, '/dir/file', text('content'));
      const info = await backend.fileInfo(context, '/dir');
      assert.equal(info.type, 'directory');
      assert.equal(info.size, 0);
      assertPlausible(info);
    },
  },
  {
    name: 'fileInfo of a missing name rejects ENOENT',
    async run(subject) {
      const { backend, context } = subject;
      await makeTree(subject);
      for (const path of ['/missing', '/missing/below', '/outer/missing', '/fil', '/file2', '/oute']) {
        await assertRejects('ENOENT', () => backend.fileInfo(context, path));
      }
    },
  },
  {
    name: 'fileInfo, listDir and readFile of a path through a file reject ENOTDIR',
    async run(subject) {
      const { backend, context } = subject;
      await makeTree(subject);
      await assertRejects('ENOTDIR', () => backend.fileInfo(context, '/file/below'));
      await assertRejects('ENOTDIR', () => listEntries(subject, '/file/below'));
      await assertRejects('ENOTDIR', () => backend.readFile(context, '/file/below'));
    },
  },
];

async function makeTree({ backend, context }: ConformanceSubject): Promise<void> {
  await backend.makeDir(context, '/outer');
  await backend.makeDir(context, '/outer/inner');
  for (const path of ['/file', '/outer/file', '/outer/inner/file']) {
    await backend.writeFile(context, path, text(path));
  }
}

function assertPlausible(info: FileInfo): void {
  assert.equal(info.mode & ~0o7777, 0, `mode ${info.mode.toString(8)} has more than permission bits`);
  assert.ok(Number.isFinite(info.mtime) && info.mtime >= 0, `mtime ${info.mtime}`);
}
