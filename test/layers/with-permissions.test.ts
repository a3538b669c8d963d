import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import { PERMISSIONS, type Permission, type RequestContext } from '../../src/contract/context.ts';
import { withPermissions } from '../../src/layers/with-permissions.ts';
import { createTestContext } from '../../src/testing/index.ts';

type Operation = Exclude<keyof StreamingBackend, 'name'>;
type Call = (backend: StreamingBackend, context: RequestContext) => Promise<unknown>;

const bytes = new TextEncoder().encode('content');
const options = { create: true, exclusive: false, truncate: true, append: false };

/** A call of each operation that succeeds on the tree below. */
const CALLS = {
  listDir: async (backend, context) => {
    for await (const _page of backend.listDir(context, '/')) return;
  },
  fileInfo: (backend, context) => backend.fileInfo(context, '/file'),
  makeDir: (backend, context) => backend.makeDir(context, '/new'),
  delDir: (backend, context) => backend.delDir(context, '/dir'),
  delete: (backend, context) => backend.delete(context, '/file'),
  rename: (backend, context) => backend.rename(context, '/file', '/renamed'),
  readFile: (backend, context) => backend.readFile(context, '/file'),
  readFileRange: (backend, context) => backend.readFileRange(context, '/file', { offset: 0, length: 1 }),
  writeFile: (backend, context) => backend.writeFile(context, '/file', bytes),
  beginWrite: async (backend, context) => (await backend.beginWrite(context, '/file', options)).abortWrite(),
  storedFile: (backend, context) => backend.storedFile(context, '/file'),
  locate: async (backend, context) => backend.locate(context, '/file'),
} satisfies Record<Operation, Call>;

const NEEDED: readonly (readonly [Operation, Permission])[] = [
  ['listDir', 'list'],
  ['makeDir', 'mkdir'],
  ['delDir', 'delete'],
  ['delete', 'delete'],
  ['rename', 'rename'],
  ['readFile', 'read'],
  ['readFileRange', 'read'],
  ['writeFile', 'write'],
  ['beginWrite', 'write'],
];

async function createTree(): Promise<{ backend: StreamingBackend; touched: string[] }> {
  const memory = createMemoryBackend();
  await memory.makeDir(createTestContext(), '/dir');
  await memory.writeFile(createTestContext(), '/file', bytes);
  const touched: string[] = [];
  const watched = new Proxy(memory, {
    get(target, key, receiver) {
      if (key !== 'name') touched.push(String(key));
      return Reflect.get(target, key, receiver);
    },
  });
  return { backend: withPermissions(watched), touched };
}

function contextWith(permissions: readonly Permission[]): RequestContext {
  return createTestContext({ principal: { permissions } });
}

describe('withPermissions', () => {
  test.each(NEEDED)(
    '%s without the permission "%s" is EACCES, and the backend is not asked',
    async (...row) => {
      const [operation, needed] = row;
      const { backend, touched } = await createTree();
      const context = contextWith(PERMISSIONS.filter((permission) => permission !== needed));
      await expect(CALLS[operation](backend, context)).rejects.toMatchObject({ code: 'EACCES', operation });
      expect(touched).toEqual([]);
    },
  );

  test.each(NEEDED)('%s needs no permission but "%s"', async (operation, needed) => {
    const { backend, touched } = await createTree();
    await CALLS[operation](backend, contextWith([needed]));
    expect(touched).toContain(operation);
  });

  test('a principal without any permission may still look at a name', async () => {
    const { backend } = await createTree();
    const context = contextWith([]);
    expect(await backend.fileInfo(context, '/file')).toMatchObject({ type: 'file', size: bytes.length });
    for (const [operation] of NEEDED) {
      await expect(CALLS[operation](backend, context)).rejects.toMatchObject({ code: 'EACCES' });
    }
  });

  test.each(Object.keys(CALLS) as Operation[])(
    '%s is open to a principal without a list',
    async (operation) => {
      const { backend, touched } = await createTree();
      await CALLS[operation](backend, createTestContext());
      expect(touched).toContain(operation);
    },
  );

  test('every operation of the contract is either in the table above or open to all', () => {
    const open = ['fileInfo', 'storedFile', 'locate'];
    expect([...NEEDED.map(([operation]) => operation), ...open].sort()).toEqual(Object.keys(CALLS).sort());
  });

  test('what is copied into an upload is read: a principal that may not read copies nothing', async () => {
    const memory = createMemoryBackend();
    const copied: string[] = [];
    const backend = withPermissions({
      ...memory,
      beginWrite: async (...args) =>
        Object.assign(await memory.beginWrite(...args), {
          copyChunk: async (path: string) => void copied.push(path),
        }),
    });
    const range = { offset: 0, length: 1 };
    const denied = await backend.beginWrite(contextWith(['write']), '/new', options);
    await expect(denied.copyChunk?.('/file', range, 0)).rejects.toMatchObject({
      code: 'EACCES',
      path: '/file',
    });
    const granted = await backend.beginWrite(contextWith(['write', 'read']), '/new', options);
    await granted.copyChunk?.('/other', range, 0);
    expect(copied).toEqual(['/other']);
  });

  test('what an upload keeps of a file can be read from it: a principal that may not read opens none to read that too', async () => {
    const { backend } = await createTree();
    const keeping = { ...options, truncate: false, read: true };
    const begin = async (permissions: readonly Permission[], open: typeof keeping, path = '/file') =>
      (await backend.beginWrite(contextWith(permissions), path, open)).abortWrite();
    await expect(begin(['write'], keeping)).rejects.toMatchObject({ code: 'EACCES', path: '/file' });
    await begin(['write', 'read'], keeping);
    await begin(['write'], { ...keeping, read: false });
    await begin(['write'], { ...keeping, truncate: true });
    await begin(['write'], { ...keeping, exclusive: true }, '/new');
  });

  test('a refusal names the path and never fails before it is awaited', async () => {
    const { backend } = await createTree();
    const context = contextWith([]);
    expect(() => backend.listDir(context, '/dir')).not.toThrow();
    await expect(backend.rename(context, '/file', '/other')).rejects.toMatchObject({ path: '/file' });
  });

  test('keeps the name of the backend', async () => {
    expect((await createTree()).backend.name).toBe('memory');
  });
});
