import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { withFailureEvents } from '../../src/layers/with-failure-events.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { watchJobs } from '../support/watch-jobs.ts';
import { bindConformance } from './bind.ts';

bindConformance('memory under withFailureEvents', {
  createSubject: () => ({
    backend: withFailureEvents(createMemoryBackend(), watchJobs().publisher),
    context: createTestContext(),
  }),
});
