import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { withDuplicates } from '../../src/layers/with-duplicates.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

for (const policy of ['reject', 'version'] as const) {
  bindConformance(`memory under withDuplicates ("${policy}"), where every name is a temporary one,`, {
    createSubject: () => ({
      backend: withDuplicates(createMemoryBackend(), { policy, isTemporary: () => true }),
      context: createTestContext(),
    }),
  });
}
