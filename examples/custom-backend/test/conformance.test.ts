import { test } from 'node:test';
import { createTestContext, runConformance } from 'sluice/testing';
import { init } from '../src/index.ts';
import { startFileStore } from '../store/server.ts';

const context = createTestContext({ principal: { session: { space: 'acme' } } });

runConformance(test, {
  createSubject: async () => {
    const store = await startFileStore();
    return {
      backend: init({ url: store.url }),
      context,
      longListing: 250,
      close: () => store.close(),
      store,
    };
  },
  // The API has no request that copies a range.
  without: ['copyChunk'],
  faults: {
    unreachable: async ({ store }) => {
      store.goAway();
      return async () => store.comeBack();
    },
  },
});
