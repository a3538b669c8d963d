import type { FolderConfig } from '../../config/load.ts';
import type { CreatedBackend } from '../../contract/backend-source.ts';
import type { Log } from '../../contract/log.ts';
import { createFolderBackend } from './backend.ts';
import { Folder } from './folder.ts';
import { createFolderOutboxStore } from './outbox-store.ts';
import { probeFolder } from './probe.ts';
import { createFolderSweeper } from './sweeper.ts';

/** The backend with its outbox and its sweeper. */
export function openFolderBackend(
  { folder: root, prefix, staleUploadMs }: FolderConfig,
  log: Log,
): CreatedBackend {
  const folder = new Folder(root);
  const sweeper = staleUploadMs === 0 ? undefined : createFolderSweeper(folder, staleUploadMs, log);
  return {
    backend: createFolderBackend({ root, prefix }),
    outboxStore: createFolderOutboxStore(folder),
    standsOn: 'folder',
    probe: () => probeFolder(folder),
    start: () => sweeper?.start(),
    close: async () => await sweeper?.close(),
  };
}
