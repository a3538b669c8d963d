import { afterAll, beforeAll, describe } from 'vitest';
import { bindFacts, checkDeviations } from './fact.ts';
import { conditionFacts } from './facts/conditions.ts';
import { copyFacts } from './facts/copies.ts';
import { listingFacts } from './facts/listings.ts';
import { multipartFacts } from './facts/multipart.ts';
import { objectFacts } from './facts/objects.ts';
import { profileUnderTest } from './profiles/index.ts';
import { openStoreUnderTest, type StoreUnderTest } from './store-under-test.ts';
import { Wire } from './wire.ts';

const GROUPS = {
  objects: objectFacts,
  conditions: conditionFacts,
  'multipart uploads': multipartFacts,
  copies: copyFacts,
  listings: listingFacts,
};

checkDeviations(
  'wire',
  Object.values(GROUPS).flatMap((facts) => facts.map(({ name }) => name)),
);

let store: StoreUnderTest;
let facts = 0;

beforeAll(async () => {
  store = await openStoreUnderTest();
});
afterAll(() => store?.close());

for (const [title, group] of Object.entries(GROUPS)) {
  describe(`S3 as our backend leans on it: ${title}`, () => {
    bindFacts(group, profileUnderTest().wire ?? {}, () => {
      facts += 1;
      return new Wire(store, `${store.prefix}${facts}/`);
    });
  });
}
