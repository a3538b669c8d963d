import { stat } from 'node:fs/promises';
import type { ProbeResult } from '../../contract/probe.ts';
import { errnoOf } from './errors.ts';
import type { Folder } from './folder.ts';
import { StagedFile } from './staged-file.ts';

/** Whether the folder is there and may be written to: tried with a file that is removed again. */
export async function probeFolder(folder: Folder): Promise<ProbeResult> {
  const { root } = folder;
  const wrong = (fault: string): ProbeResult => ({ state: 'wrong', message: `${fault} (SLUICE_FOLDER)` });
  try {
    if (!(await stat(root)).isDirectory()) return wrong(`"${root}" is not a folder`);
    const staged = await StagedFile.create(folder);
    await staged.discard();
    return { state: 'ok' };
  } catch (error) {
    switch (errnoOf(error)) {
      case 'ENOENT':
        return wrong(`the folder "${root}" does not exist, or /proc is not mounted: make it`);
      case 'EACCES':
      case 'EPERM':
        return wrong(`the folder "${root}" cannot be written to: the user of this process needs to own it`);
      case 'EROFS':
        return wrong(`the folder "${root}" lies on a read-only file system`);
    }
    const message = error instanceof Error ? error.message : String(error);
    return { state: 'unreachable', message: `the folder "${root}" cannot be used: ${message}` };
  }
}
