// A worker thread that serves a folder: `workerData` has its root. Each session has its part of it.
import { parentPort, workerData } from 'node:worker_threads';
import { createFolderBackend } from '../../../dist/backends/folder/backend.js';
import { createPortChannel, serveBackend } from '../../../dist/backends/process/index.js';

const { root } = workerData;
const prefix = 'session:prefix';
const backend = createFolderBackend({ root, prefix });
serveBackend(createPortChannel(parentPort), backend, { location: { bucket: root, prefix } });
