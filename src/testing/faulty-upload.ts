import type { Upload } from '../contract/backend.ts';
import type { FaultyOperation } from './fault-rule.ts';
import type { FaultPlan } from './faults.ts';

/** An upload, but for the faults of the plan. */
export function createFaultyUpload(
  upload: Upload,
  { path, plan, signal }: { readonly path: string; readonly plan: FaultPlan; readonly signal: AbortSignal },
): Upload {
  let refusal: { readonly error: unknown } | undefined;

  const carryOut = <Result>(operation: FaultyOperation, work: () => Result): Result =>
    plan.carryOut({ operation, path, signal }, work);

  function refuse(error: unknown): never {
    refusal ??= { error };
    throw error;
  }

  return {
    get size() {
      return upload.size;
    },
    // Without a promise where the upload gives none: a promise tells the caller to wait.
    writeChunk(offset, bytes) {
      try {
        return carryOut('writeChunk', () => upload.writeChunk(offset, bytes))?.catch(refuse);
      } catch (error) {
        return refuse(error);
      }
    },
    setSize: (size) => carryOut('setSize', () => upload.setSize(size)),
    readChunk: (offset, length) => carryOut('readChunk', () => upload.readChunk(offset, length)),
    setAttributes: (attributes) => carryOut('setAttributes', () => upload.setAttributes(attributes)),
    sync: () => carryOut('sync', () => upload.sync()),
    async finishWrite() {
      try {
        return await carryOut('finishWrite', () => {
          if (refusal !== undefined) throw refusal.error;
          return upload.finishWrite();
        });
      } catch (error) {
        await upload.abortWrite();
        throw error;
      }
    },
    abortWrite: () => carryOut('abortWrite', () => upload.abortWrite()),
    ...(upload.copyChunk && {
      copyChunk: (from, range, to) =>
        carryOut('copyChunk', async () => {
          await upload.copyChunk?.(from, range, to);
        }),
    }),
    ...(upload.unitAt && { unitAt: upload.unitAt.bind(upload) }),
  };
}
