import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { PERMISSIONS } from '../../src/contract/context.ts';
import { withPermissions } from '../../src/layers/with-permissions.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

bindConformance('memory under withPermissions, for a principal without a list of permissions', {
  createSubject: () => ({ backend: withPermissions(createMemoryBackend()), context: createTestContext() }),
});

bindConformance('memory under withPermissions, for a principal with every permission', {
  createSubject: () => ({
    backend: withPermissions(createMemoryBackend()),
    context: createTestContext({ principal: { permissions: PERMISSIONS } }),
  }),
});
