import { symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WriteOptions } from '../../../src/contract/backend.ts';
import { codeOf, createFolderSubject, type FolderSubject } from '../../support/folder-subject.ts';
import { run } from '../../support/processes.ts';

const replace: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };
const server = createServer();

let subject: FolderSubject;
beforeEach(async () => {
  subject = await createFolderSubject();
  expect((await run('mkfifo', [subject.local('pipe')])).code).toBe(0);
  await new Promise<void>((resolve) => server.listen(subject.local('socket'), resolve));
  await symlink('pipe', subject.local('link'));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await subject.remove();
});

test('pipes and sockets are left out of listings', async () => {
  await subject.backend.writeFile(subject.context, '/file', Buffer.from('content'));
  expect(await subject.names()).toEqual(['file']);
});

test('a name that is not UTF-8, which no client could ask for, is left out of listings', async () => {
  await writeFile(Buffer.concat([Buffer.from(`${subject.root}/caf`), Buffer.from([0xe9])]), 'latin1');
  expect(await subject.names()).toEqual([]);
});

// A pipe that nobody writes to holds up whoever opens it for reading (fifo(7)): this would time out.
test.each(['/pipe', '/socket', '/link'])('%s is EACCES for whoever names it, at once', async (path) => {
  const { backend, context } = subject;
  const bytes = Buffer.from('x');
  const refused = [
    backend.fileInfo(context, path),
    backend.readFile(context, path),
    backend.readFileRange(context, path, { offset: 0, length: 1 }),
    backend.writeFile(context, path, bytes),
    backend.beginWrite(context, path, replace),
    backend.beginWrite(context, path, { ...replace, truncate: false }),
  ];
  expect(await Promise.all(refused.map(codeOf))).toEqual(refused.map(() => 'EACCES'));
});

test.each(['/pipe', '/socket'])('%s is neither deleted, nor renamed, nor replaced', async (path) => {
  const { backend, context } = subject;
  await backend.writeFile(context, '/file', Buffer.from('content'));
  expect(await codeOf(backend.delete(context, path))).toBe('EACCES');
  expect(await codeOf(backend.rename(context, path, '/moved'))).toBe('EACCES');
  expect(await codeOf(backend.rename(context, '/file', path))).toBe('EACCES');
});

test('an upload whose name has become a pipe is refused when it finishes', async () => {
  const { backend, context } = subject;
  const upload = await backend.beginWrite(context, '/late', replace);
  expect((await run('mkfifo', [subject.local('late')])).code).toBe(0);
  expect(await codeOf(upload.finishWrite())).toBe('EACCES');
});
