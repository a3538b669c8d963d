import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { withIngestion } from '../../src/layers/with-ingestion.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { SILENT, watchJobs } from '../support/watch-jobs.ts';
import { bindConformance } from './bind.ts';

bindConformance('memory under withIngestion', {
  createSubject: () => ({
    backend: withIngestion(createMemoryBackend(), {
      publisher: watchJobs().publisher,
      isTemporary: (path) => path.endsWith('from'),
      reportsRenames: true,
      log: SILENT,
    }),
    context: createTestContext(),
  }),
});

bindConformance('memory under withIngestion, with sidecars', {
  createSubject: () => ({
    backend: withIngestion(createMemoryBackend(), {
      publisher: watchJobs().publisher,
      isTemporary: (path) => path.endsWith('from'),
      reportsRenames: false,
      sidecar: 'sha256',
      log: SILENT,
    }),
    context: createTestContext(),
  }),
});
