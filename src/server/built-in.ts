import { createMemoryBackend } from '../backends/memory/memory.ts';
import type { Backend } from '../contract/backend.ts';
import type { BuiltInBackend, FolderStoreOptions, S3BackendOptions } from './options.ts';

/** Files in the memory of this process, gone with it: for tests, and to try things out. They do not count against the budget. */
export function memoryBackend(): Backend {
  return createMemoryBackend();
}

/** Files in a bucket of S3, streamed in parts within the server's memory budget; jobs that nobody takes wait there too. */
export function s3Backend(options: S3BackendOptions): BuiltInBackend {
  return { kind: 's3', options };
}

/** Files in a folder of this machine, on Linux (docs/folder.md); jobs that nobody takes wait there too. */
export function folderBackend(options: FolderStoreOptions): BuiltInBackend {
  return { kind: 'folder', options };
}
