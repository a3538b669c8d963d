import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { Backend } from '../../src/contract/backend.ts';
import { withBuffering } from '../../src/layers/with-buffering.ts';
import { createTestContext, OPTIONAL_OPERATIONS } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

/** The eight required operations and nothing else. */
function createWholeFileBackend(): Backend {
  const memory = createMemoryBackend();
  return {
    name: memory.name,
    listDir: memory.listDir,
    fileInfo: memory.fileInfo,
    makeDir: memory.makeDir,
    delDir: memory.delDir,
    delete: memory.delete,
    rename: memory.rename,
    readFile: memory.readFile,
    writeFile: memory.writeFile,
  };
}

bindConformance('a backend of whole files under withBuffering', {
  createSubject: () => ({
    backend: withBuffering(createWholeFileBackend(), { maxFileBytes: 16 * 2 ** 20 }),
    context: createTestContext(),
  }),
  without: ['copyChunk'],
});

bindConformance('a backend of whole files, to which the kit lends the rest,', {
  createSubject: () => ({ backend: createWholeFileBackend() }),
  without: OPTIONAL_OPERATIONS,
});

bindConformance('a streaming backend under withBuffering', {
  createSubject: () => ({
    backend: withBuffering(createMemoryBackend(), { maxFileBytes: 0 }),
    context: createTestContext(),
  }),
});
