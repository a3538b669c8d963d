import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import type { Permission, VirtualFolder } from '../../src/contract/context.ts';
import { withFolders } from '../../src/layers/with-folders.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { withPermissions } from '../../src/layers/with-permissions.ts';
import { createFaultPlan, createTestContext, withFaults } from '../../src/testing/index.ts';
import { contentOf } from '../support/sftp-driver.ts';
import { SILENT, watchJobs } from '../support/watch-jobs.ts';

const REPLACE = { create: true, exclusive: false, truncate: true, append: false };
const bytes = (text: string) => Buffer.from(text);

/** A backend that keeps the files of each `session.tenant` apart, as S3 those of each prefix. */
function createTenants() {
  const tenants = new Map<string, StreamingBackend>();
  const of = (tenant = '') => {
    const found = tenants.get(tenant) ?? createMemoryBackend();
    tenants.set(tenant, found);
    return found;
  };
  const backend = new Proxy(createMemoryBackend(), {
    get(memory, name, receiver) {
      if (typeof Reflect.get(memory, name, receiver) !== 'function')
        return Reflect.get(memory, name, receiver);
      return (...args: [ReturnType<typeof createTestContext>]) => {
        const tenant = of(args[0].principal.session['tenant']);
        return Reflect.apply(Reflect.get(tenant, name), tenant, args);
      };
    },
  });
  return { backend, of };
}

/** What a principal with these folders sees. */
function site(folders: readonly VirtualFolder[], permissions?: readonly Permission[]) {
  const { backend, of } = createTenants();
  const principal = { session: { tenant: 'acme' }, folders, ...(permissions && { permissions }) };
  const call = createTestContext({ principal });
  const layer = withFolders(backend);
  const list = async (path: string) => {
    const names: string[] = [];
    for await (const page of layer.listDir(call, path)) names.push(...page.map(({ name }) => name));
    return names.sort();
  };
  return { call, layer, of, list, context: createTestContext() };
}

const BOX = [{ path: '/in', target: '/inbox' }, { path: '/reports/out' }] as const;

describe('a principal with folders', () => {
  test('sees them, and what they lie in, before anything is there', async () => {
    const { call, layer, list, of } = site(BOX);
    expect(await list('/')).toEqual(['in', 'reports']);
    expect(await list('/reports')).toEqual(['out']);
    expect(await list('/in')).toEqual([]);
    for (const path of ['/', '/in', '/reports', '/reports/out']) {
      expect(await layer.fileInfo(call, path)).toMatchObject({ type: 'directory' });
    }
    await expect(layer.fileInfo(call, '/inbox')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(list('/inbox')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await contentOf(of('acme'), '/inbox')).toBeUndefined();
  });

  test('puts the first file into a folder that the store has not yet', async () => {
    const { call, layer, list, of } = site([{ path: '/in', target: '/deep/inbox' }]);
    const upload = await layer.beginWrite(call, '/in/a', REPLACE);
    await upload.writeChunk(0, bytes('content'));
    await upload.finishWrite();
    expect(await contentOf(of('acme'), '/deep/inbox/a')).toBe('content');
    expect(await list('/in')).toEqual(['a']);
    expect(layer.locate(call, '/in/a')).toEqual({ bucket: 'memory', key: 'deep/inbox/a' });
  });

  test('makes nothing for what cannot come to stand there', async () => {
    const { call, layer, of, context } = site(BOX);
    const open = { ...REPLACE, create: false };
    await expect(layer.beginWrite(call, '/in/a', open)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(layer.rename(call, '/in/a', '/in/b')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(layer.beginWrite(call, '/in/sub/a', REPLACE)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(of('acme').fileInfo(context, '/inbox')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each([
    ['an upload', (layer, call) => layer.beginWrite(call, '/new', REPLACE)],
    ['a whole file', (layer, call) => layer.writeFile(call, '/new', bytes('x'))],
    ['a directory', (layer, call) => layer.makeDir(call, '/reports/new')],
    ['what is renamed', (layer, call) => layer.rename(call, '/in/file', '/new')],
  ] satisfies [
    string,
    (layer: StreamingBackend, call: ReturnType<typeof site>['call']) => Promise<unknown>,
  ][])('has no room beside them for %s', async (_, act) => {
    const { call, layer } = site(BOX);
    await layer.writeFile(call, '/in/file', bytes('x'));
    await expect(act(layer, call)).rejects.toMatchObject({ code: 'EACCES' });
  });

  test.each([
    ['/', 'EBUSY'],
    ['/in', 'EBUSY'],
    ['/reports/out', 'EBUSY'],
    ['/reports', 'EACCES'],
  ])('neither removes, renames nor replaces %s', async (path, code) => {
    const { call, layer, list } = site(BOX);
    await layer.writeFile(call, '/in/file', bytes('x'));
    await expect(layer.delDir(call, path)).rejects.toMatchObject({ code });
    await expect(layer.rename(call, path, '/in/moved')).rejects.toMatchObject({ code });
    await expect(layer.rename(call, '/in/file', path)).rejects.toMatchObject({ code });
    await expect(layer.makeDir(call, path)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(layer.delete(call, path)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(layer.readFile(call, path)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(layer.storedFile(call, path)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(layer.beginWrite(call, path, REPLACE)).rejects.toMatchObject({ code: 'EISDIR' });
    const exclusive = { ...REPLACE, exclusive: true };
    await expect(layer.beginWrite(call, path, exclusive)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(() => layer.locate(call, path)).toThrow(expect.objectContaining({ code: 'EISDIR' }));
    expect(await list('/in')).toEqual(['file']);
  });

  test('without any of them has an empty tree', async () => {
    const { call, layer, list } = site([]);
    expect(await list('/')).toEqual([]);
    await expect(layer.writeFile(call, '/a', bytes('x'))).rejects.toMatchObject({ code: 'EACCES' });
  });

  test('hears of errors by the paths that it knows', async () => {
    const { call, layer } = site(BOX);
    const missing = { code: 'ENOENT', path: '/in/a', message: 'ENOENT: readFile /in/a' };
    await layer.writeFile(call, '/in/b', bytes('x'));
    await expect(layer.readFile(call, '/in/a')).rejects.toMatchObject(missing);
    await expect(layer.rename(call, '/in/a', '/in/b')).rejects.toMatchObject({ path: '/in/a' });
    await expect(layer.rename(call, '/in/b', '/in/b/c')).rejects.toMatchObject({ path: '/in/b/c' });
    const upload = await layer.beginWrite(call, '/in/c', REPLACE);
    await layer.makeDir(call, '/in/c');
    await expect(upload.finishWrite()).rejects.toMatchObject({ code: 'EISDIR', path: '/in/c' });
    await expect(upload.sync()).rejects.toMatchObject({ code: 'EBADF', path: '/in/c' });
    await expect(upload.writeChunk(0, bytes('x'))).rejects.toMatchObject({ code: 'EBADF', path: '/in/c' });
  });
});

describe('folders within each other', () => {
  const TREE = [
    { path: '/' },
    { path: '/out', session: { tenant: 'shared' } },
    { path: '/a/b', target: '/b' },
  ] as const;

  test('hide what the store has under their names, each name there once', async () => {
    const { call, layer, list, of, context } = site(TREE);
    await of('acme').makeDir(context, '/out');
    await of('acme').writeFile(context, '/out/hidden', bytes('x'));
    await of('acme').writeFile(context, '/a', bytes('a file where a folder has to be'));
    await of('acme').writeFile(context, '/file', bytes('x'));
    await of('shared').writeFile(context, '/report', bytes('x'));
    expect(await list('/')).toEqual(['a', 'file', 'out']);
    expect(await list('/out')).toEqual(['report']);
    expect(await list('/a')).toEqual(['b']);
    expect(await layer.fileInfo(call, '/a')).toMatchObject({ type: 'directory' });
    await expect(layer.readFile(call, '/a')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(layer.delete(call, '/out/hidden')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('what they lie in is made when something comes to stand there', async () => {
    const { call, layer, list, of } = site(TREE);
    await layer.writeFile(call, '/a/file', bytes('x'));
    expect(await contentOf(of('acme'), '/a/file')).toBe('x');
    expect(await list('/a')).toEqual(['b', 'file']);
    await expect(layer.delDir(call, '/a')).rejects.toMatchObject({ code: 'EACCES' });
  });

  test('the longest path wins, whatever the order, and a name that only begins like one is another', async () => {
    const { call, layer, of } = site([...TREE].reverse());
    await layer.writeFile(call, '/out/x', bytes('shared'));
    await layer.writeFile(call, '/outside', bytes('own'));
    expect(await contentOf(of('shared'), '/x')).toBe('shared');
    expect(await contentOf(of('acme'), '/outside')).toBe('own');
  });

  test('an error of the store is one of the listing, too', async () => {
    const plan = createFaultPlan();
    const call = createTestContext({ principal: { folders: TREE } });
    const layer = withFolders(withFaults(createMemoryBackend(), plan));
    plan.fault({ operation: 'listDir', fail: 'EACCES' });
    await expect(layer.listDir(call, '/')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'EACCES',
    });
  });
});

describe('between folders', () => {
  const TWO = [
    { path: '/in', target: '/inbox' },
    { path: '/done', target: '/done' },
    { path: '/out', session: { tenant: 'shared' } },
    { path: '/vault', target: '/inbox', bucket: 'another' },
  ] as const;

  test('of one store a file is renamed, into one that is not there yet', async () => {
    const { call, layer, of } = site(TWO);
    await layer.writeFile(call, '/in/a', bytes('x'));
    expect(await layer.rename(call, '/in/a', '/done/a')).toMatchObject({ location: { key: 'done/a' } });
    expect(await contentOf(of('acme'), '/done/a')).toBe('x');
    expect(await contentOf(of('acme'), '/inbox/a')).toBeUndefined();
  });

  test.each(['/out/a', '/vault/a'])('of two a file is not renamed to %s: EXDEV', async (to) => {
    const { call, layer, of } = site(TWO);
    await layer.writeFile(call, '/in/a', bytes('x'));
    await expect(layer.rename(call, '/in/a', to)).rejects.toMatchObject({ code: 'EXDEV', path: '/in/a' });
    expect(await contentOf(of('acme'), '/inbox/a')).toBe('x');
  });

  test('a directory is not moved into itself by another way', async () => {
    const { call, layer } = site([{ path: '/in' }, { path: '/same', target: '/dir' }]);
    await layer.makeDir(call, '/in/dir');
    await expect(layer.rename(call, '/in/dir', '/same/below')).rejects.toMatchObject({ code: 'EINVAL' });
  });

  test.each(['/in/copy', '/out/copy'])('a file is copied to %s', async (path) => {
    const { call, layer } = site(TWO);
    const content = 'content '.repeat(100_000);
    await layer.writeFile(call, '/in/a', bytes(content));
    const upload = await layer.beginWrite(call, path, REPLACE);
    await upload.copyChunk?.('/in/a', { offset: 8, length: content.length - 8 }, 0);
    await upload.finishWrite();
    expect(Buffer.from(await layer.readFile(call, path)).toString()).toBe(content.slice(8));
  });

  test('a file that has changed or become shorter is not copied', async () => {
    const { call, layer } = site(TWO);
    await layer.writeFile(call, '/in/a', bytes('x'));
    const upload = await layer.beginWrite(call, '/out/copy', REPLACE);
    const range = { offset: 0, length: 2 };
    await expect(upload.copyChunk?.('/in/a', range, 0)).rejects.toMatchObject({ code: 'ESTALE' });
    const stale = { ...range, length: 1, etag: 'another' };
    await expect(upload.copyChunk?.('/in/a', stale, 0)).rejects.toMatchObject({ code: 'ESTALE' });
    await expect(upload.copyChunk?.('/none', range, 0)).rejects.toMatchObject({ code: 'ENOENT' });
    await upload.abortWrite();
  });
});

describe('the backend', () => {
  test('is asked as the folder says, and hears of no folder', async () => {
    const asked: unknown[] = [];
    const memory = createMemoryBackend();
    const layer = withFolders({
      ...memory,
      fileInfo: async ({ principal }, path) => {
        asked.push({ principal, path });
        return await memory.fileInfo(createTestContext(), '/');
      },
    });
    const session = { prefix: 'acme/', plan: 'small' };
    const folder = {
      path: '/in',
      session: { prefix: 'acme/in/' },
      bucket: 'inbox',
      permissions: ['write'],
    } as const;
    const folders = [folder, { path: '/out', target: '/reports' }];
    const principal = {
      username: 'acme',
      session,
      permissions: ['list'],
      folders,
      home: '/in',
      bucket: 'own',
    } as const;
    const call = createTestContext({ principal });
    await layer.fileInfo(call, '/in/a');
    await layer.fileInfo(call, '/out/a');
    expect(asked).toEqual([
      {
        principal: {
          username: 'acme',
          session: { prefix: 'acme/in/', plan: 'small' },
          bucket: 'inbox',
          permissions: ['write'],
        },
        path: '/a',
      },
      { principal: { username: 'acme', session, bucket: 'own', permissions: ['list'] }, path: '/reports/a' },
    ]);
  });

  test('moves between folders with what may be done in either', async () => {
    const asked: unknown[] = [];
    const memory = createMemoryBackend();
    const layer = withFolders({
      ...memory,
      rename: async ({ principal }, from, to) => {
        asked.push([principal.permissions, from, to]);
        return undefined;
      },
    });
    const folders = [
      { path: '/in', target: '/i', permissions: ['rename', 'list'] },
      { path: '/out', target: '/o', permissions: ['write', 'list'] },
      { path: '/all' },
    ] as const;
    const call = createTestContext({ principal: { folders } });
    await layer.rename(call, '/in/a', '/out/a');
    await layer.rename(call, '/in/a', '/all/a');
    expect(asked).toEqual([
      [['rename', 'list', 'write'], '/i/a', '/o/a'],
      [undefined, '/i/a', '/a'],
    ]);
  });

  test('is told of paths of its own, also of the one that was asked for', async () => {
    const { call } = site(BOX);
    const asked: unknown[] = [];
    const memory = createMemoryBackend();
    const layer = withFolders({
      ...memory,
      beginWrite: async (context, path, open) => {
        asked.push(open.requestedPath);
        return await memory.beginWrite(context, path.slice('/inbox'.length), open);
      },
    });
    await layer.beginWrite(call, '/in/a.1', { ...REPLACE, requestedPath: '/in/a' });
    expect(asked).toEqual(['/inbox/a']);
  });

  test('gets no path that is too long for it', async () => {
    const { call, layer } = site([{ path: '/in', target: `/${'t'.repeat(200)}` }]);
    const path = `/in${`/${'n'.repeat(199)}`.repeat(20)}`;
    await expect(layer.fileInfo(call, path)).rejects.toMatchObject({ code: 'ENAMETOOLONG', path });
  });
});

describe('permissions of a folder', () => {
  const folders = [
    { path: '/in', target: '/in', permissions: ['write'] },
    { path: '/out', target: '/out', permissions: ['list', 'read'] },
    { path: '/reports', target: '/reports' },
  ] as const;

  async function guarded(permissions?: readonly Permission[]) {
    const { call, layer, of, context } = site(folders, permissions);
    for (const name of ['in', 'out', 'reports']) {
      await of('acme').makeDir(context, `/${name}`);
      await of('acme').writeFile(context, `/${name}/file`, bytes('x'));
    }
    return { call, backend: withPermissions(layer) };
  }

  const denied = expect.objectContaining({ code: 'EACCES' });
  const page = (backend: StreamingBackend, call: ReturnType<typeof site>['call'], path: string) =>
    backend.listDir(call, path)[Symbol.asyncIterator]().next();

  test('hold in it, and those of the principal where it has none', async () => {
    const { call, backend } = await guarded(['list', 'rename', 'mkdir']);
    await backend.writeFile(call, '/in/new', bytes('x'));
    await expect(page(backend, call, '/in')).rejects.toEqual(denied);
    await expect(backend.readFile(call, '/in/file')).rejects.toEqual(denied);
    await expect(backend.delete(call, '/in/file')).rejects.toEqual(denied);
    await page(backend, call, '/out');
    expect(await backend.readFile(call, '/out/file')).toHaveLength(1);
    await expect(backend.writeFile(call, '/out/new', bytes('x'))).rejects.toEqual(denied);
    await page(backend, call, '/reports');
    await backend.makeDir(call, '/reports/dir');
    await expect(backend.readFile(call, '/reports/file')).rejects.toEqual(denied);
  });

  test('never hide the folders themselves', async () => {
    const { call, backend } = await guarded([]);
    expect((await page(backend, call, '/')).value).toHaveLength(3);
    await expect(page(backend, call, '/reports')).rejects.toEqual(denied);
  });

  test('of both are needed to rename from one to the other', async () => {
    const { call, backend } = await guarded();
    await expect(backend.rename(call, '/in/file', '/reports/moved')).rejects.toEqual(denied);
    await expect(backend.rename(call, '/reports/file', '/out/moved')).rejects.toEqual(denied);
    await backend.rename(call, '/reports/file', '/in/moved');
  });

  test('decide what is copied', async () => {
    const { call, backend } = await guarded();
    const upload = await backend.beginWrite(call, '/reports/copy', REPLACE);
    const range = { offset: 0, length: 1 };
    await expect(upload.copyChunk?.('/in/file', range, 0)).rejects.toEqual(denied);
    await upload.copyChunk?.('/out/file', range, 0);
    await upload.abortWrite();
  });
});

test('a job names the path of the client, the place in the store, and the session of the folder', async () => {
  const { backend, of } = createTenants();
  await of('acme/in').makeDir(createTestContext(), '/inbox');
  const { publisher, jobs } = watchJobs();
  const layer = withIngestion(withFolders(backend), {
    publisher,
    isTemporary: (path) => path.endsWith('.part'),
    reportsRenames: false,
    sidecar: 'done',
    log: SILENT,
  });
  const folders = [{ path: '/in', target: '/inbox', session: { tenant: 'acme/in' } }];
  const call = createTestContext({ principal: { session: { tenant: 'acme', plan: 'small' }, folders } });
  for (const path of ['/in/a.part', '/in/a.done']) {
    const upload = await layer.beginWrite(call, path, REPLACE);
    await upload.finishWrite();
    if (path === '/in/a.part') await layer.rename(call, path, '/in/a');
  }
  expect(jobs.map(({ delivery }) => delivery)).toMatchObject([
    {
      path: '/in/a',
      location: { key: 'inbox/a' },
      principal: { session: { tenant: 'acme/in', plan: 'small' } },
    },
  ]);
});
