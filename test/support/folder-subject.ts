import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBackend } from '../../src/backends/folder/backend.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import type { RequestContext } from '../../src/contract/context.ts';
import { FsError } from '../../src/contract/errors.ts';
import { createTestContext } from '../../src/testing/index.ts';

/** A folder backend on a real folder, and a folder beside it that is none of its business. */
export interface FolderSubject {
  readonly root: string;
  readonly outside: string;
  readonly backend: StreamingBackend;
  readonly context: RequestContext;
  /** In the root. */
  local(path: string): string;
  names(path?: string): Promise<string[]>;
  remove(): Promise<void>;
}

export interface FolderSubjectOptions {
  readonly prefix?: string;
  readonly session?: Readonly<Record<string, string>>;
}

export async function createFolderSubject({
  prefix = '',
  session = {},
}: FolderSubjectOptions = {}): Promise<FolderSubject> {
  const parent = await mkdtemp(join(tmpdir(), 'sluice-folder-'));
  const [root, outside] = [join(parent, 'root'), join(parent, 'outside')];
  await mkdir(root);
  await mkdir(outside);
  const backend = createFolderBackend({ root, prefix });
  const context = createTestContext({ principal: { session } });
  return {
    root,
    outside,
    backend,
    context,
    local: (path) => join(root, path),
    names: async (path = '/') => {
      const names: string[] = [];
      for await (const page of backend.listDir(context, path)) names.push(...page.map(({ name }) => name));
      return names.sort();
    },
    remove: () => rm(parent, { recursive: true, force: true }),
  };
}

/** The POSIX code that something rejects with; `ok` when it does not. What is no FsError is thrown on. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
}

/** What lies in a folder, all the way down: contents by path, `/` behind directories. */
export async function snapshot(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) found[`${path}/`] = '';
    else found[path] = await readFile(path, 'utf8');
  }
  return found;
}
