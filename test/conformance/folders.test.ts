import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { withFolders } from '../../src/layers/with-folders.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { asPrincipal } from '../support/as-principal.ts';
import { bindConformance } from './bind.ts';

bindConformance('memory under withFolders, for a principal without folders,', {
  createSubject: () => ({ backend: withFolders(createMemoryBackend()), context: createTestContext() }),
});

bindConformance('memory under withFolders, for a principal with one folder,', {
  createSubject: () => ({
    backend: withFolders(createMemoryBackend()),
    context: createTestContext({ principal: { folders: [{ path: '/' }] } }),
  }),
});

bindConformance('memory under withFolders, in a folder whose target is not there yet,', {
  createSubject: () => ({
    backend: withFolders(createMemoryBackend()),
    context: createTestContext({ principal: { folders: [{ path: '/', target: '/deep/below' }] } }),
  }),
});

/** The kit sees what is below `/partners/in` as its root. */
const nested = { folders: [{ path: '/' }, { path: '/partners/in', target: '/inbox' }] };

bindConformance('memory under withFolders, in a folder within another,', {
  createSubject: () => ({
    backend: withFolders(asPrincipal(withFolders(createMemoryBackend()), nested)),
    context: createTestContext({ principal: { folders: [{ path: '/', target: '/partners/in' }] } }),
  }),
});
