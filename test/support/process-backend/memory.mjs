// A process that serves a memory backend to each connection: as a worker thread, as a forked child, or on the Unix socket that its
// argument names.
import { isMainThread, parentPort } from 'node:worker_threads';
import { createMemoryBackend } from '../../../dist/backends/memory/memory.js';
import {
  createParentChannel,
  createPortChannel,
  serveBackend,
  serveBackendOn,
} from '../../../dist/backends/process/index.js';

const trees = new Map();

function treeOf({ connection }) {
  if (!trees.has(connection.id)) trees.set(connection.id, createMemoryBackend());
  return trees.get(connection.id);
}

const { name, locate: _, ...operations } = createMemoryBackend();
const backend = { name };
for (const operation of Object.keys(operations)) {
  backend[operation] = (context, ...rest) => treeOf(context)[operation](context, ...rest);
}

const [, , socket] = process.argv;
if (!isMainThread) serveBackend(createPortChannel(parentPort), backend);
else if (socket === undefined) serveBackend(createParentChannel(process), backend);
else {
  await serveBackendOn(socket, backend);
  console.log('listening');
}
