import { resolve } from 'node:path';
import type { ProcessConfig } from '../../config/load.ts';
import type { BackendSurroundings } from '../../contract/backend-source.ts';
import { createProcessBackend, type ProcessBackend } from './process-backend.ts';
import type { ProcessTarget } from './start.ts';

/** The backend of a configuration: every message says whose it is. @throws FsError `EIO`, `ETIMEDOUT`. */
export function openProcessBackend(
  config: ProcessConfig,
  surroundings: BackendSurroundings,
): Promise<ProcessBackend> {
  return createProcessBackend({ ...toTarget(config), session: true, ...surroundings });
}

function toTarget({ form, path }: ProcessConfig): ProcessTarget {
  if (form === 'unix') return { socket: path };
  const module = resolve(path);
  return form === 'worker' ? { worker: module } : { fork: module };
}
