import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

const publisher = {
  expect: () => () => undefined,
  publish: async () => undefined,
  close: async () => undefined,
};

bindConformance('memory under withIngestion', {
  createSubject: () => ({
    backend: withIngestion(createMemoryBackend(), publisher),
    context: createTestContext(),
  }),
});
