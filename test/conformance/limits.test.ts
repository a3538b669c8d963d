import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { withFileLimit } from '../../src/layers/with-file-limit.ts';
import { withPace } from '../../src/layers/with-pace.ts';
import { BucketPace } from '../../src/limits/bucket-pace.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

const GiB = 1024 ** 3;

bindConformance('memory under withFileLimit, for a principal with a limit', {
  createSubject: () => ({
    backend: withFileLimit(createMemoryBackend()),
    context: createTestContext({ principal: { limits: { fileBytes: 1024 * GiB } } }),
  }),
});

bindConformance('memory under withPace', {
  createSubject: () => {
    const paces = { uploads: new BucketPace(GiB), downloads: new BucketPace(GiB) };
    return { backend: withPace(createMemoryBackend(), () => paces), context: createTestContext() };
  },
});
