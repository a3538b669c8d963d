import { mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WriteOptions } from '../../../src/contract/backend.ts';
import { codeOf, createFolderSubject, type FolderSubject, snapshot } from '../../support/folder-subject.ts';

const replace: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };

let subject: FolderSubject;
beforeEach(async () => {
  subject = await createFolderSubject();
  await mkdir(subject.local('dir/inner'), { recursive: true });
  await writeFile(subject.local('dir/file'), 'inside');
  await writeFile(`${subject.outside}/file`, 'CANARY');
  await mkdir(`${subject.outside}/dir`);
});
afterEach(() => subject.remove());

const link = (target: string, name: string) => symlink(target, subject.local(name));
const read = async (path: string) =>
  Buffer.from(await subject.backend.readFile(subject.context, path)).toString();

describe('a symbolic link that stays inside', () => {
  test.each([
    ['to a file', 'dir/file', '/link'],
    ['to a file, over a dot', './dir/./file', '/link'],
    ['to a directory', 'dir', '/link/file'],
    ['to a directory above that of the link', '../../dir', '/dir/inner/link/file'],
    ['to a path that goes down and up again', 'dir/inner/../../dir/inner/../file', '/link'],
  ])('%s is followed', async (_, target, path) => {
    await link(target, path.replace('link/file', 'link'));
    expect(await read(path)).toBe('inside');
    expect((await subject.backend.fileInfo(subject.context, path)).size).toBe(6);
  });

  test('is followed when it is absolute and below the real path of the folder', async () => {
    await link(subject.local('dir'), 'link');
    await link(subject.root, 'dir/inner/top');
    expect(await read('/link/file')).toBe('inside');
    expect(await read('/dir/inner/top/link/file')).toBe('inside');
  });

  test('leads on through other links, and `..` is that of where it led to', async () => {
    await link('dir/inner', 'a');
    await link('a/..', 'b');
    expect(await read('/b/file')).toBe('inside');
  });

  test('is listed as what it leads to', async () => {
    await link('dir/file', 'file-link');
    await link('dir', 'dir-link');
    const entries = [];
    for await (const page of subject.backend.listDir(subject.context, '/')) entries.push(...page);
    const shown = Object.fromEntries(entries.map(({ name, type, size }) => [name, [type, size]]));
    expect(shown).toEqual({
      dir: ['directory', 0],
      'dir-link': ['directory', 0],
      'file-link': ['file', 6],
    });
    expect(await subject.names('/dir-link')).toEqual(['file', 'inner']);
  });

  test('is written through: the file that it leads to is replaced, and the link stays', async () => {
    await link('dir/file', 'link');
    await link('dir/new', 'dangling');
    await subject.backend.writeFile(subject.context, '/link', Buffer.from('written'));
    await subject.backend.writeFile(subject.context, '/dangling', Buffer.from('made'));
    expect(await readFile(subject.local('dir/file'), 'utf8')).toBe('written');
    expect(await readFile(subject.local('dir/new'), 'utf8')).toBe('made');
    expect(await readlink(subject.local('link'))).toBe('dir/file');
  });

  test('is something that is there, for whoever wants a name for himself alone', async () => {
    const { backend, context } = subject;
    await link('dir/new', 'dangling');
    const exclusive = { ...replace, exclusive: true };
    expect(await codeOf(backend.beginWrite(context, '/dangling', exclusive))).toBe('EEXIST');
    expect(await codeOf(backend.makeDir(context, '/dangling'))).toBe('EEXIST');
    expect(await codeOf(backend.rename(context, '/dir/file', '/dangling', exclusive))).toBe('EEXIST');
    expect(await codeOf(backend.fileInfo(context, '/dangling'))).toBe('ENOENT');
  });
});

describe('a symbolic link itself', () => {
  test('is deleted by delete, and what it leads to stays', async () => {
    await link('dir', 'link');
    await subject.backend.delete(subject.context, '/link');
    expect(await subject.names()).toEqual(['dir']);
    expect(await read('/dir/file')).toBe('inside');
  });

  test('is moved by rename, with exclusive too', async () => {
    await link('dir/file', 'link');
    await subject.backend.rename(subject.context, '/link', '/moved');
    await subject.backend.rename(subject.context, '/moved', '/again', { exclusive: true });
    expect(await readlink(subject.local('again'))).toBe('dir/file');
    expect(await subject.names()).toEqual(['again', 'dir']);
  });

  test('is no directory to remove', async () => {
    await link('dir/inner', 'link');
    expect(await codeOf(subject.backend.delDir(subject.context, '/link'))).toBe('ENOTDIR');
  });
});

describe('a symbolic link that leads out', () => {
  beforeEach(async () => {
    await link(subject.outside, 'out');
    await link('../outside', 'dir/out');
    await link('../../../outside', 'dir/inner/out');
    await link('..', 'up');
    await link(`${subject.root}/../outside`, 'round');
    await link(`${subject.root}-other`, 'beside');
    await link('/', 'slash');
    await link('out', 'second');
    await link('../outside/file', 'out-file');
    await link(`${subject.outside}/new`, 'out-new');
  });

  test.each(['/out', '/up/outside', '/round', '/second', '/dir/inner/out', '/slash/etc'])(
    '%s: nothing goes through it',
    async (path) => {
      const { backend, context } = subject;
      const before = await snapshot(subject.outside);
      const bytes = Buffer.from('x');
      const refused = [
        backend.fileInfo(context, path),
        backend.fileInfo(context, `${path}/file`),
        subject.names(path),
        backend.readFile(context, `${path}/file`),
        backend.readFileRange(context, `${path}/file`, { offset: 0, length: 1 }),
        backend.storedFile(context, `${path}/file`),
        backend.writeFile(context, `${path}/new`, bytes),
        backend.beginWrite(context, `${path}/file`, { ...replace, truncate: false }),
        backend.makeDir(context, `${path}/new`),
        backend.delDir(context, `${path}/dir`),
        backend.delete(context, `${path}/file`),
        backend.rename(context, `${path}/file`, '/stolen'),
        backend.rename(context, '/dir/file', `${path}/file`),
        backend.rename(context, '/dir', `${path}/new`, { exclusive: true }),
      ];
      expect(await Promise.all(refused.map(codeOf))).toEqual(refused.map(() => 'EACCES'));
      expect(await snapshot(subject.outside)).toEqual(before);
      expect(await read('/dir/file')).toBe('inside');
    },
  );

  test.each(['/out-file', '/out-new'])('%s at the end of a path: nothing goes through it', async (path) => {
    const { backend, context } = subject;
    const before = await snapshot(subject.outside);
    const refused = [
      backend.fileInfo(context, path),
      backend.readFile(context, path),
      backend.writeFile(context, path, Buffer.from('x')),
      backend.beginWrite(context, path, replace),
    ];
    expect(await Promise.all(refused.map(codeOf))).toEqual(refused.map(() => 'EACCES'));
    expect(await snapshot(subject.outside)).toEqual(before);
  });

  test('is not listed', async () => {
    expect(await subject.names()).toEqual(['dir']);
    expect(await subject.names('/dir')).toEqual(['file', 'inner']);
  });

  test('can be deleted', async () => {
    await subject.backend.delete(subject.context, '/out-file');
    expect(await readFile(`${subject.outside}/file`, 'utf8')).toBe('CANARY');
  });
});

describe('a symbolic link that leads nowhere', () => {
  test('is not listed, and is not there for whoever follows it', async () => {
    await link('missing', 'dangling');
    expect(await subject.names()).toEqual(['dir']);
    expect(await codeOf(subject.backend.readFile(subject.context, '/dangling'))).toBe('ENOENT');
  });

  test('is EACCES when it is a circle, and not listed', async () => {
    await link('b', 'a');
    await link('a', 'b');
    await link('self/self', 'self');
    for (const path of ['/a', '/a/file', '/self', '/self/x']) {
      expect(await codeOf(subject.backend.fileInfo(subject.context, path)), path).toBe('EACCES');
    }
    expect(await subject.names()).toEqual(['dir']);
  });

  test('is EACCES when it goes up and down without an end that is worth waiting for', async () => {
    const deep = Array.from({ length: 60 }, (_, index) => `d${index}`).join('/');
    await mkdir(subject.local(deep), { recursive: true });
    await link('x/../'.repeat(400), `${deep}/maze`);
    await mkdir(subject.local(`${deep}/x`));
    expect(await codeOf(subject.backend.fileInfo(subject.context, `/${deep}/maze`))).toBe('EACCES');
  });
});
