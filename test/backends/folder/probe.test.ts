import { readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Folder } from '../../../src/backends/folder/folder.ts';
import { probeFolder } from '../../../src/backends/folder/probe.ts';
import { codeOf, createFolderSubject, type FolderSubject } from '../../support/folder-subject.ts';

let subject: FolderSubject;
beforeEach(async () => {
  subject = await createFolderSubject();
});
afterEach(() => subject.remove());

const probe = (root: string) => probeFolder(new Folder(root));

test('a folder that can be written to is well, and as it was', async () => {
  expect(await probe(subject.root)).toEqual({ state: 'ok' });
  expect(await readdir(subject.local('.sluice/uploads'))).toEqual([]);
});

test('one that is missing, or is none, or is read-only is wrong', async () => {
  const wrong = (message: RegExp) => ({ state: 'wrong', message: expect.stringMatching(message) });
  expect(await probe(subject.local('missing'))).toEqual(wrong(/does not exist.*\(SLUICE_FOLDER\)$/));
  await writeFile(subject.local('file'), '');
  expect(await probe(subject.local('file'))).toEqual(wrong(/is not a folder \(SLUICE_FOLDER\)$/));
  expect(await probe('/proc/self')).toMatchObject({ state: expect.stringMatching(/wrong|unreachable/) });
});

test('one whose reserved name leads elsewhere is not used', async () => {
  await symlink(subject.outside, subject.local('.sluice'));
  expect((await probe(subject.root)).state).toBe('unreachable');
  expect(await readdir(subject.outside)).toEqual([]);
});

test('a folder that goes away is a failure of the storage, not a missing file', async () => {
  const { backend, context } = subject;
  await rename(subject.root, `${subject.root}-away`);
  expect(await codeOf(backend.fileInfo(context, '/'))).toBe('EIO');
  await rename(`${subject.root}-away`, subject.root);
  expect(await codeOf(backend.fileInfo(context, '/'))).toBe('ok');
});
