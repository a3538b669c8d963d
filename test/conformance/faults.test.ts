import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { createFaultPlan, withFaults } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

bindConformance('memory under withFaults, without a fault,', {
  createSubject: () => ({ backend: withFaults(createMemoryBackend(), createFaultPlan()) }),
});
