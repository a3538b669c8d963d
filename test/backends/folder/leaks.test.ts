import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { WriteOptions } from '../../../src/contract/backend.ts';
import { createFolderSubject } from '../../support/folder-subject.ts';

const replace: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };

async function openFiles(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}

test('a thousand operations, most of which fail, leave no file open', async () => {
  const subject = await createFolderSubject({ prefix: 'session:prefix', session: { prefix: 'a/b' } });
  const { backend, context, outside } = subject;
  await mkdir(subject.local('a/b/dir/deep'), { recursive: true });
  await writeFile(subject.local('a/b/file'), 'content');
  await symlink(outside, subject.local('a/b/out'));
  await symlink('dir/../self', subject.local('a/b/self'));
  await symlink('../dir/../file', subject.local('a/b/dir/link'));
  const bytes = Buffer.from('x');
  const range = { offset: 0, length: 1 };
  const abort = async (path: string, options: WriteOptions) =>
    (await backend.beginWrite(context, path, options)).abortWrite();
  const leave = async (path: string) => {
    for await (const page of backend.listDir(context, path)) if (page.length > 0) return;
  };
  const round = async () => {
    const works = [
      '/file',
      '/dir',
      '/out/x',
      '/self',
      '/missing/x',
      '/file/x',
      '/dir/link',
      '/dir/deep/x',
      '/',
    ].flatMap((path) => [
      () => backend.fileInfo(context, path),
      () => backend.readFile(context, path),
      () => backend.readFileRange(context, path, { ...range, etag: 'another' }),
      () => backend.storedFile(context, path),
      () => leave(path),
      () => backend.makeDir(context, path),
      () => backend.rename(context, path, '/out/y'),
      () => backend.rename(context, '/missing', path),
      () => backend.delDir(context, `${path}/none`),
      () => backend.delete(context, `${path}/none`),
      () => backend.writeFile(context, path === '/dir/deep/x' ? path : '/dir', bytes),
      () => abort(path, replace),
      () => abort(path, { ...replace, truncate: false }),
    ]);
    const results = await Promise.allSettled(works.map((work) => work()));
    return results.filter(({ status }) => status === 'rejected').length;
  };
  // What is forgotten, Node closes when it collects garbage, and says so.
  const warnings: string[] = [];
  process.on('warning', ({ message }) => warnings.push(message));
  await round();
  const before = await openFiles();
  let failed = 0;
  for (let turn = 0; turn < 9; turn += 1) failed += await round();
  expect(failed).toBeGreaterThan(500);
  expect(await openFiles()).toBe(before);
  expect(warnings).toEqual([]);
  await subject.remove();
});
