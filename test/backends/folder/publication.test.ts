import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Folder } from '../../../src/backends/folder/folder.ts';
import { createFolderSweeper } from '../../../src/backends/folder/sweeper.ts';
import type { WriteOptions } from '../../../src/contract/backend.ts';
import { startOnFolder } from '../../support/folder-processes.ts';
import { codeOf, createFolderSubject, type FolderSubject } from '../../support/folder-subject.ts';
import { SILENT } from '../../support/watch-jobs.ts';

const replace: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };
const update: WriteOptions = { ...replace, truncate: false };

let subject: FolderSubject;
beforeEach(async () => {
  subject = await createFolderSubject();
});
afterEach(() => subject.remove());

const staged = () => readdir(subject.local('.sluice/uploads'));

describe('an upload', () => {
  test('is taken by the disk as it comes, and lies under its name alone when it has ended', async () => {
    const { backend, context } = subject;
    const upload = await backend.beginWrite(context, '/file', replace);
    await upload.writeChunk(0, Buffer.from('content'));
    const [name] = await staged();
    expect(await readFile(subject.local(`.sluice/uploads/${name}`), 'utf8')).toBe('content');
    const stored = await upload.finishWrite();
    expect(await staged()).toEqual([]);
    expect(await readFile(subject.local('file'), 'utf8')).toBe('content');
    expect(stored).toEqual({
      size: 7,
      etag: (await backend.fileInfo(context, '/file')).etag,
      location: { bucket: subject.root, key: 'file' },
    });
  });

  test.each([replace, update])('that is aborted or fails leaves nothing behind', async (options) => {
    const { backend, context } = subject;
    await backend.writeFile(context, '/file', Buffer.from('earlier'));
    const aborted = await backend.beginWrite(context, '/file', options);
    await aborted.writeChunk(0, randomBytes(100_000));
    await aborted.abortWrite();
    const refused = await backend.beginWrite(context, '/file', options);
    expect(await codeOf(Promise.resolve(refused.writeChunk(-1, Buffer.from('x'))))).toBe('EINVAL');
    expect(await codeOf(Promise.resolve(refused.writeChunk(0, Buffer.from('x'))))).toBe('EINVAL');
    expect(await codeOf(refused.finishWrite())).toBe('EINVAL');
    await backend.makeDir(context, '/dir');
    const late = await backend.beginWrite(context, '/dir/file', options);
    await backend.delDir(context, '/dir');
    expect(await codeOf(late.finishWrite())).toBe('ENOENT');
    expect(await staged()).toEqual([]);
    expect(await readFile(subject.local('file'), 'utf8')).toBe('earlier');
  });

  test('that is aborted while a write is under way waits for it', async () => {
    const { backend, context } = subject;
    const upload = await backend.beginWrite(context, '/file', replace);
    const written = Promise.resolve(upload.writeChunk(0, randomBytes(8 * 2 ** 20))).then(
      () => 'written',
      () => 'refused',
    );
    await upload.abortWrite();
    expect(['written', 'refused']).toContain(await written);
    expect(await staged()).toEqual([]);
  });

  test('gives the file no bits but those of permission', async () => {
    await subject.backend.writeFile(subject.context, '/file', Buffer.from('#!'), { mode: 0o6755 });
    expect((await stat(subject.local('file'))).mode & 0o7777).toBe(0o755);
  });

  test('replaces a file whose mode forbids writing, as the directory allows it, and keeps its mode', async () => {
    const { backend, context } = subject;
    await backend.writeFile(context, '/file', Buffer.from('earlier'));
    await chmod(subject.local('file'), 0o440);
    await backend.writeFile(context, '/file', Buffer.from('later'));
    expect(await readFile(subject.local('file'), 'utf8')).toBe('later');
    expect((await stat(subject.local('file'))).mode & 0o777).toBe(0o440);
  });
});

describe('a reader', () => {
  test('with an etag hears ESTALE of a file that was changed in place, too', async () => {
    const { backend, context } = subject;
    await backend.writeFile(context, '/file', Buffer.from('content'));
    const { etag = '' } = await backend.fileInfo(context, '/file');
    const range = { offset: 0, length: 7, etag };
    expect(await codeOf(backend.readFileRange(context, '/file', range))).toBe('ok');
    const { mtimeMs } = await stat(subject.local('file'));
    await writeFile(subject.local('file'), 'CONTENT');
    await utimes(subject.local('file'), mtimeMs / 1000, mtimeMs / 1000);
    expect(await codeOf(backend.readFileRange(context, '/file', range))).toBe('ESTALE');
  });
});

describe('a process that is killed', () => {
  test('amid an upload leaves the older file as it was, and what it leaves behind is swept', async () => {
    const { backend, context } = subject;
    await backend.writeFile(context, '/file', Buffer.from('earlier'));
    const uploading = startOnFolder(
      subject.root,
      `const upload = await backend.beginWrite(context, '/file', ${JSON.stringify(update)});
       await upload.writeChunk(0, Buffer.alloc(1_000_000, 'x'));
       await upload.sync();
       console.log('written');
       setInterval(() => undefined, 1000);`,
    );
    await uploading.line((line) => line === 'written');
    uploading.kill('SIGKILL');
    await uploading.exited;
    expect(await readFile(subject.local('file'), 'utf8')).toBe('earlier');
    expect(await subject.names()).toEqual(['file']);
    expect(await staged()).toHaveLength(1);
    const folder = new Folder(subject.root);
    expect(await createFolderSweeper(folder, 3_600_000, SILENT).sweep()).toBe(0);
    expect(await staged()).toHaveLength(1);
    const [name] = await staged();
    // A time that its client gave it says nothing of when it was left.
    const longAgo = Date.now() / 1000 - 3601;
    await utimes(subject.local(`.sluice/uploads/${name}`), longAgo, longAgo);
    expect(await createFolderSweeper(folder, 3_600_000, SILENT).sweep()).toBe(0);
    const { ctimeMs } = await stat(subject.local(`.sluice/uploads/${name}`));
    await expect.poll(() => Date.now() - ctimeMs).toBeGreaterThan(2);
    expect(await createFolderSweeper(folder, 1, SILENT).sweep()).toBe(1);
    expect(await staged()).toEqual([]);
    expect(await readFile(subject.local('file'), 'utf8')).toBe('earlier');
  });

  test('at any moment leaves a whole file, of one of the uploads', async () => {
    for (let round = 1; round <= 5; round += 1) {
      const writing = startOnFolder(
        subject.root,
        `for (let turn = 0; ; turn += 1) {
           await backend.writeFile(context, '/file', Buffer.alloc(200_000, 97 + (turn % 26)));
           console.log(turn);
         }`,
      );
      await writing.line((line) => Number(line) >= round * 7);
      writing.kill('SIGKILL');
      await writing.exited;
      const bytes = await readFile(subject.local('file'));
      expect(bytes.length).toBe(200_000);
      expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
    }
  });
});

describe('the sweep', () => {
  test('at the start comes at once, and says in the log what it could not do', async () => {
    const warned: string[] = [];
    const log = { ...SILENT, warn: (_: unknown, message: string) => warned.push(message) };
    await rm(subject.local('.sluice'), { recursive: true, force: true });
    await symlink(subject.outside, subject.local('.sluice'));
    await writeFile(`${subject.outside}/file`, 'CANARY');
    const sweeper = createFolderSweeper(new Folder(subject.root), 0, log);
    sweeper.start();
    await sweeper.close();
    expect(warned).toEqual(['abandoned uploads could not all be swept']);
    expect(await readdir(subject.outside)).toEqual(['file']);
  });
});
