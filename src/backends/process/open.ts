import { resolve } from 'node:path';
import type { ProcessConfig } from '../../config/load.ts';
import type { BackendSurroundings } from '../../contract/backend-source.ts';
import { FsError } from '../../contract/errors.ts';
import { createProcessBackend, type ProcessBackend } from './process-backend.ts';
import type { ProcessTarget } from './start.ts';

/** The backend of a configuration: every message says whose it is. @throws FsError `EIO` when it does not answer. */
export async function openProcessBackend(
  config: ProcessConfig,
  surroundings: BackendSurroundings,
): Promise<ProcessBackend> {
  try {
    return await createProcessBackend({ ...toTarget(config), session: true, ...surroundings });
  } catch (cause) {
    const { form, path } = config;
    throw new FsError('EIO', `no backend answers at ${form}:${path} (SLUICE_BACKEND)`, { cause });
  }
}

function toTarget({ form, path }: ProcessConfig): ProcessTarget {
  if (form === 'unix') return { socket: path };
  const module = resolve(path);
  return form === 'worker' ? { worker: module } : { fork: module };
}
