import {
  type Backend,
  type StreamingBackend,
  supportsCallback,
  type Upload,
  type WriteOptions,
} from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import type { DirectoryEntry } from '../contract/types.ts';
import type { FaultyOperation } from './fault-rule.ts';
import type { FaultPlan } from './faults.ts';
import { createFaultyUpload } from './faulty-upload.ts';

/**
 * The backend, but for the faults of the plan: a store that refuses, breaks, is slow or never answers, for those who write
 * what stands around a backend. With no fault in the plan it is the backend. What the contract says of failures holds for
 * injected ones too: an upload that has refused a chunk can only be aborted, and a `finishWrite` that rejects has cleaned up.
 */
export function withFaults(backend: StreamingBackend, plan: FaultPlan): StreamingBackend;
export function withFaults(backend: Backend, plan: FaultPlan): Backend;
export function withFaults(backend: Backend, plan: FaultPlan): Backend {
  /** Of an operation that takes a context and a path, whatever else it takes. */
  const wrap =
    <Rest extends readonly unknown[], Result>(
      operation: FaultyOperation,
      run: (context: RequestContext, path: string, ...rest: Rest) => Result,
    ) =>
    (context: RequestContext, path: string, ...rest: Rest): Result =>
      plan.carryOut({ operation, path, signal: context.signal }, () => run(context, path, ...rest));

  return {
    name: backend.name,
    listDir: (context, path) => listPages(backend, plan, context, path),
    fileInfo: wrap('fileInfo', backend.fileInfo.bind(backend)),
    makeDir: wrap('makeDir', backend.makeDir.bind(backend)),
    delDir: wrap('delDir', backend.delDir.bind(backend)),
    delete: wrap('delete', backend.delete.bind(backend)),
    rename: wrap('rename', backend.rename.bind(backend)),
    readFile: wrap('readFile', backend.readFile.bind(backend)),
    writeFile: wrap('writeFile', backend.writeFile.bind(backend)),
    ...(supportsCallback(backend, 'readFileRange') && {
      readFileRange: wrap('readFileRange', backend.readFileRange.bind(backend)),
    }),
    ...(supportsCallback(backend, 'beginWrite') && {
      beginWrite: (context, path, options) => openUpload(backend, plan, context, path, options),
    }),
    ...(supportsCallback(backend, 'storedFile') && {
      storedFile: wrap('storedFile', backend.storedFile.bind(backend)),
    }),
    ...(supportsCallback(backend, 'locate') && { locate: wrap('locate', backend.locate.bind(backend)) }),
  };
}

/** Every page is a call of its own, and so is the end: a listing can break in its middle. */
async function* listPages(
  backend: Backend,
  plan: FaultPlan,
  context: RequestContext,
  path: string,
): AsyncIterable<readonly DirectoryEntry[]> {
  const pages = backend.listDir(context, path)[Symbol.asyncIterator]();
  const call = { operation: 'listDir', path, signal: context.signal } as const;
  try {
    for (;;) {
      const page = await plan.carryOut(call, () => pages.next());
      if (page.done === true) return;
      yield page.value;
    }
  } finally {
    await pages.return?.();
  }
}

async function openUpload(
  backend: Required<Pick<Backend, 'beginWrite'>>,
  plan: FaultPlan,
  context: RequestContext,
  path: string,
  options: WriteOptions,
): Promise<Upload> {
  const { signal } = context;
  let opened = undefined as Upload | undefined;
  try {
    const upload = await plan.carryOut({ operation: 'beginWrite', path, signal }, async () => {
      opened = await backend.beginWrite(context, path, options);
      return opened;
    });
    return createFaultyUpload(upload, { path, plan, signal });
  } catch (error) {
    // Nobody was given it, so nobody else ends it.
    await opened?.abortWrite();
    throw error;
  }
}
