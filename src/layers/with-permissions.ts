import type { FileRange, StreamingBackend, Upload } from '../contract/backend.ts';
import type { Permission, RequestContext } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';
import { DelegatedUpload } from './delegated-upload.ts';
import { permissionsAt } from './virtual-folders.ts';

type Operation = Exclude<keyof StreamingBackend, 'name'>;

/**
 * What each operation needs. A new operation of the contract does not compile before it has its line here and
 * its guard below.
 */
const NEEDS = {
  listDir: 'list',
  // Whoever may do anything at all must be able to look before it does; clients stat before every transfer.
  fileInfo: undefined,
  makeDir: 'mkdir',
  delDir: 'delete',
  delete: 'delete',
  rename: 'rename',
  readFile: 'read',
  readFileRange: 'read',
  writeFile: 'write',
  beginWrite: 'write',
  storedFile: undefined,
  locate: undefined,
} as const satisfies Record<Operation, Permission | undefined>;

/**
 * Lets a principal do only what its permissions say, or those of the folder that a path lies in; one without any list of permissions may do
 * everything. What is refused is `EACCES` before the backend hears of it. An upload is judged once, when it begins,
 * and what is copied into it when it is copied. What it keeps of an older file can be read from its handle, and is read.
 */
export function withPermissions(backend: StreamingBackend): StreamingBackend {
  return {
    name: backend.name,
    async *listDir(context, path) {
      assertPermitted('listDir', context, path);
      yield* backend.listDir(context, path);
    },
    async fileInfo(context, path) {
      assertPermitted('fileInfo', context, path);
      return backend.fileInfo(context, path);
    },
    async makeDir(context, path) {
      assertPermitted('makeDir', context, path);
      return backend.makeDir(context, path);
    },
    async delDir(context, path) {
      assertPermitted('delDir', context, path);
      return backend.delDir(context, path);
    },
    async delete(context, path) {
      assertPermitted('delete', context, path);
      return backend.delete(context, path);
    },
    async rename(context, from, to, options) {
      assertPermitted('rename', context, from);
      if (!may(context, to, 'write')) assertPermitted('rename', context, to);
      return backend.rename(context, from, to, options);
    },
    async readFile(context, path) {
      assertPermitted('readFile', context, path);
      return backend.readFile(context, path);
    },
    async readFileRange(context, path, range) {
      assertPermitted('readFileRange', context, path);
      return backend.readFileRange(context, path, range);
    },
    async writeFile(context, path, bytes, attributes) {
      assertPermitted('writeFile', context, path);
      return backend.writeFile(context, path, bytes, attributes);
    },
    async beginWrite(context, path, options) {
      assertPermitted('beginWrite', context, path);
      const { read = false, truncate, exclusive } = options;
      if (read && !truncate && !exclusive) assertPermitted('readFileRange', context, path);
      return new PermittedUpload(await backend.beginWrite(context, path, options), context);
    },
    async storedFile(context, path) {
      assertPermitted('storedFile', context, path);
      return backend.storedFile(context, path);
    },
    locate: (context, path) => backend.locate(context, path),
  };
}

/** What is copied into a file is read. */
class PermittedUpload extends DelegatedUpload {
  readonly #context: RequestContext;

  constructor(upload: Upload, context: RequestContext) {
    super(upload);
    this.#context = context;
  }

  protected override async copy(path: string, range: FileRange, to: number): Promise<void> {
    assertPermitted('readFileRange', this.#context, path);
    await super.copy(path, range, to);
  }
}

function assertPermitted(operation: Operation, context: RequestContext, path: string): void {
  const needed: Permission | undefined = NEEDS[operation];
  if (needed === undefined || may(context, path, needed)) return;
  throw new FsError('EACCES', `${operation} needs the permission "${needed}"`, { operation, path });
}

function may({ principal }: RequestContext, path: string, permission: Permission): boolean {
  return permissionsAt(principal, path)?.includes(permission) ?? true;
}
