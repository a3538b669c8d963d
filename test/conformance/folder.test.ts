import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBackend } from '../../src/backends/folder/backend.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

for (const prefix of ['', 'session:prefix']) {
  bindConformance(`folder with the prefix "${prefix}"`, {
    createSubject: async () => {
      const root = await mkdtemp(join(tmpdir(), 'sluice-folder-'));
      return {
        backend: createFolderBackend({ root, prefix }),
        context: createTestContext({ principal: { session: { prefix: 'tenants/acme' } } }),
        close: () => rm(root, { recursive: true }),
      };
    },
  });
}
