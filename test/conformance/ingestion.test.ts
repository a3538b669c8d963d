import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { watchJobs } from '../support/watch-jobs.ts';
import { bindConformance } from './bind.ts';

bindConformance('memory under withIngestion', {
  createSubject: () => ({
    backend: withIngestion(createMemoryBackend(), {
      publisher: watchJobs().publisher,
      isTemporary: (path) => path.endsWith('from'),
      reportsRenames: true,
    }),
    context: createTestContext(),
  }),
});
