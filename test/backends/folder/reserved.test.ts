import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { codeOf, createFolderSubject, type FolderSubject } from '../../support/folder-subject.ts';

let subject: FolderSubject;
afterEach(() => subject.remove());

const bytes = Buffer.from('content');

describe('what the service keeps for itself', () => {
  test('is neither listed nor reached, by its name or through links', async () => {
    subject = await createFolderSubject();
    const { backend, context } = subject;
    await backend.writeFile(context, '/file', bytes);
    await symlink('.sluice', subject.local('link'));
    await symlink('.', subject.local('self'));
    expect(await readdir(subject.local('.sluice'))).toEqual(['uploads']);
    expect(await subject.names()).toEqual(['file', 'self']);
    expect(await subject.names('/self')).toEqual(['file', 'self']);
    for (const path of ['/.sluice', '/link', '/self/.sluice', '/self/self/link']) {
      expect(await codeOf(subject.names(path)), path).toBe('EACCES');
      expect(await codeOf(backend.fileInfo(context, `${path}/uploads`)), path).toBe('EACCES');
      expect(await codeOf(backend.writeFile(context, `${path}/file`, bytes)), path).toBe('EACCES');
      expect(await codeOf(backend.delDir(context, `${path}/uploads`)), path).toBe('EACCES');
    }
    expect(await codeOf(backend.rename(context, '/.sluice', '/mine'))).toBe('EACCES');
    expect(await codeOf(backend.rename(context, '/file', '/.sluice'))).toBe('EACCES');
    expect(await codeOf(backend.makeDir(context, '/.sluice'))).toBe('EACCES');
  });

  test('is below the folder: its name deeper down is any name', async () => {
    subject = await createFolderSubject();
    const { backend, context } = subject;
    await backend.makeDir(context, '/dir');
    await backend.makeDir(context, '/dir/.sluice');
    await backend.writeFile(context, '/dir/.sluice/file', bytes);
    expect(await subject.names('/dir')).toEqual(['.sluice']);
  });

  test('cannot be given away with a prefix', async () => {
    for (const prefix of ['.sluice', '/.sluice/uploads', 'link']) {
      subject = await createFolderSubject({ prefix: 'session:prefix', session: { prefix } });
      await mkdir(subject.local('.sluice/uploads'), { recursive: true });
      await symlink('.sluice', subject.local('link'));
      expect(await codeOf(subject.names()), prefix).toBe('EACCES');
      await subject.remove();
    }
  });
});

describe('the prefix of a session', () => {
  test('is all that its principal sees, made when it is missing', async () => {
    subject = await createFolderSubject({
      prefix: 'session:prefix',
      session: { prefix: 'tenants/acme/' },
    });
    const { backend, context } = subject;
    await writeFile(subject.local('secret'), 'CANARY');
    expect(await subject.names()).toEqual([]);
    await backend.writeFile(context, '/file', bytes);
    expect(await readdir(subject.local('tenants/acme'))).toEqual(['file']);
    expect(backend.locate(context, '/file')).toEqual({ bucket: subject.root, key: 'tenants/acme/file' });
    expect((await backend.storedFile(context, '/file')).location).toEqual(backend.locate(context, '/file'));
  });

  test('is not left by links, not even into the rest of the folder', async () => {
    subject = await createFolderSubject({ prefix: 'session:prefix', session: { prefix: 'acme' } });
    const { backend, context } = subject;
    await mkdir(subject.local('acme'));
    await mkdir(subject.local('globex'));
    await writeFile(subject.local('globex/file'), 'CANARY');
    await symlink('../globex', subject.local('acme/relative'));
    await symlink(subject.local('globex'), subject.local('acme/absolute'));
    await symlink(subject.local('acme'), subject.local('acme/own'));
    for (const name of ['relative', 'absolute']) {
      expect(await codeOf(backend.readFile(context, `/${name}/file`)), name).toBe('EACCES');
    }
    expect(await subject.names()).toEqual(['own']);
  });

  test.each([
    {},
    { prefix: '' },
    { prefix: '..' },
    { prefix: 'a/../../outside' },
    { prefix: 'a//b' },
    { prefix: './a' },
  ])('%o opens nothing', async (session) => {
    subject = await createFolderSubject({ prefix: 'session:prefix', session });
    expect(await codeOf(subject.names())).toBe('EACCES');
    expect(await codeOf(subject.backend.writeFile(subject.context, '/file', bytes))).toBe('EACCES');
    expect(await readdir(subject.root)).toEqual([]);
  });

  test('may be a link within the folder, not one that leads out', async () => {
    subject = await createFolderSubject({ prefix: 'session:prefix', session: { prefix: 'acme' } });
    await symlink(subject.outside, subject.local('acme'));
    expect(await codeOf(subject.names())).toBe('EACCES');
    await subject.remove();
    subject = await createFolderSubject({ prefix: 'session:prefix', session: { prefix: 'acme' } });
    await mkdir(subject.local('customers/17'), { recursive: true });
    await symlink('customers/17', subject.local('acme'));
    await subject.backend.writeFile(subject.context, '/file', bytes);
    expect(await readdir(subject.local('customers/17'))).toEqual(['file']);
  });
});
