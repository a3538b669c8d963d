// Serves a memory backend, whole, on the Unix socket that its argument names. An upload to `/stall` takes its first bytes, says
// `stalled`, and never ends.
import { createMemoryBackend } from '../../../dist/backends/memory/memory.js';
import { serveBackendOn } from '../../../dist/backends/process/index.js';

const memory = createMemoryBackend();

async function beginWrite(context, path, options) {
  const upload = await memory.beginWrite(context, path, options);
  if (path === '/stall') {
    upload.writeChunk = () => {
      console.log('stalled');
      return new Promise(() => undefined);
    };
  }
  return upload;
}

await serveBackendOn(process.argv[2], { ...memory, beginWrite });
console.log('listening');
