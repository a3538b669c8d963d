import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import type { RequestContext, VirtualFolder } from '../../src/contract/context.ts';
import { normalizePath } from '../../src/contract/path.ts';
import { withDuplicates } from '../../src/layers/with-duplicates.ts';
import { withFolders } from '../../src/layers/with-folders.ts';
import { withPermissions } from '../../src/layers/with-permissions.ts';
import { createTestContext } from '../../src/testing/index.ts';

const NAMES = ['a', 'b', 'in', 'inbox', 'in.1'];
const name = fc.constantFrom(...NAMES);
const path = fc.array(name, { maxLength: 3 }).map((names) => `/${names.join('/')}`);
/** What a client may send. */
const spelling = fc
  .array(fc.oneof(name, fc.constantFrom('..', '.', '', '%2e%2e', '..\\', '\u2025', '.. ')), { maxLength: 7 })
  .chain((names) => fc.boolean().map((isAbsolute) => (isAbsolute ? '/' : '') + names.join('/')));

/** Each has a session of its own, by which a call tells whose folder it is for. */
const folders = fc
  .uniqueArray(fc.record({ path, target: path }), {
    minLength: 1,
    maxLength: 4,
    selector: (each) => each.path,
  })
  .map((all) => all.map((each) => ({ ...each, session: { folder: each.path } })));

type Act = (backend: StreamingBackend, call: RequestContext, one: string, other: string) => Promise<unknown>;

const OPEN = { create: true, exclusive: false, truncate: false, append: false };
const ACTS: Readonly<Record<Exclude<keyof StreamingBackend, 'name'> | 'copyChunk', Act>> = {
  listDir: async (backend, call, one) => {
    for await (const page of backend.listDir(call, one))
      expect(new Set(page.map((entry) => entry.name)).size).toBe(page.length);
  },
  fileInfo: (backend, call, one) => backend.fileInfo(call, one),
  makeDir: (backend, call, one) => backend.makeDir(call, one),
  delDir: (backend, call, one) => backend.delDir(call, one),
  delete: (backend, call, one) => backend.delete(call, one),
  rename: (backend, call, one, other) => backend.rename(call, one, other),
  readFile: (backend, call, one) => backend.readFile(call, one),
  readFileRange: (backend, call, one) => backend.readFileRange(call, one, { offset: 0, length: 1 }),
  writeFile: (backend, call, one) => backend.writeFile(call, one, Buffer.from('x')),
  storedFile: (backend, call, one) => backend.storedFile(call, one),
  locate: async (backend, call, one) => backend.locate(call, one),
  beginWrite: async (backend, call, one) => (await backend.beginWrite(call, one, OPEN)).finishWrite(),
  copyChunk: async (backend, call, one, other) => {
    const upload = await backend.beginWrite(call, one, OPEN);
    await upload.copyChunk?.(other, { offset: 0, length: 1 }, 0).catch(() => undefined);
    await upload.finishWrite();
  },
};
const act = fc.record({
  operation: fc.constantFrom(...(Object.keys(ACTS) as (keyof typeof ACTS)[])),
  one: spelling,
  other: spelling,
});

/** The folder of a path by the longest name that it begins with: not as the layer finds it. */
function ownerOf(all: readonly VirtualFolder[], shown: string): VirtualFolder | undefined {
  for (let names = shown.split('/').slice(1); ; names = names.slice(0, -1)) {
    const found = all.find((folder) => folder.path === `/${names.join('/')}`);
    if (found !== undefined || names.length === 0) return found;
  }
}

const isAt = (asked: string, directory: string) =>
  directory === '/' || asked === directory || asked.startsWith(`${directory}/`);

test('whatever a client asks for, the backend is asked within the target of the folder that the path lies in', async () => {
  await fc.assert(
    fc.asyncProperty(folders, fc.array(act, { maxLength: 12 }), path, async (all, acts, home) => {
      const strays: string[] = [];
      let allowed: (string | undefined)[] = [];
      const memory = createMemoryBackend();
      const look = (operation: unknown, { principal }: RequestContext, asked: string) => {
        const folder = all.find((each) => each.path === principal.session['folder']);
        const { path: of = 'none', target = 'none' } = folder ?? {};
        // A target that is not there is made, and what it lies in.
        const isWithin = isAt(asked, target) || (operation === 'makeDir' && isAt(target, asked));
        if (!isWithin || !allowed.includes(of)) strays.push(`${String(operation)} ${asked} in ${of}`);
        if (principal.folders !== undefined) strays.push('the folders');
      };
      const watched = new Proxy(memory, {
        get(target, member, receiver) {
          const value = Reflect.get(target, member, receiver);
          if (typeof value !== 'function') return value;
          return (context: RequestContext, asked: string, ...rest: unknown[]) => {
            look(member, context, asked);
            if (member === 'rename') look(member, context, String(rest[0]));
            return Reflect.apply(value, target, [context, asked, ...rest]);
          };
        },
      });
      const backend = withPermissions(
        withDuplicates(withFolders(watched), { policy: 'version', isTemporary: () => false }),
      );
      const call = createTestContext({ principal: { folders: all } });
      for (const { operation, one, other } of acts) {
        const [first, second] = [normalizePath(one, home), normalizePath(other, home)];
        allowed = [first, second].map((shown) => ownerOf(all, shown)?.path);
        await ACTS[operation](backend, call, first, second).catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'FsError' });
        });
        expect(strays).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});
