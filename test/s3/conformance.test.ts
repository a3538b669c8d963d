import { afterAll, beforeAll } from 'vitest';
import { createProcessBackend, type ProcessBackend } from '../../src/backends/process/index.ts';
import { withBuffering } from '../../src/layers/with-buffering.ts';
import { conformanceCases, createTestContext } from '../../src/testing/index.ts';
import { bindConformance } from '../conformance/bind.ts';
import { moduleNamed } from '../support/process-backend/start.ts';
import { createS3Subject } from '../support/s3-subject.ts';
import { deviations } from './deviations.ts';
import { checkDeviations } from './fact.ts';
import { profileUnderTest } from './profiles/index.ts';
import { openStoreUnderTest, type StoreUnderTest } from './store-under-test.ts';

let s3: StoreUnderTest;
let subjects = 0;
/** One for all cases, each below a prefix of its own. */
let inWorker: Promise<ProcessBackend> | undefined;

beforeAll(async () => {
  s3 = await openStoreUnderTest();
});
afterAll(async () => {
  await inWorker?.then((backend) => backend.close());
  await s3?.close();
});

checkDeviations(
  'conformance',
  conformanceCases.map(({ name }) => name),
);
bindConformance('the S3 backend', {
  createSubject: () => {
    subjects += 1;
    const prefix = `${s3.prefix}${subjects}/`;
    const { backend, close } = createS3Subject(s3.endpoint, s3.bucket, { ...s3, prefix, detects: true });
    return { backend, context: createTestContext(), longListing: 1205, close: async () => close() };
  },
  deviations: { ...deviations, ...profileUnderTest().conformance },
});

function startWorker(): Promise<ProcessBackend> {
  const { endpoint, region, credentials, bucket } = s3;
  const workerData = {
    endpoint,
    region,
    credentials,
    bucket,
    prefix: 'session:prefix',
    budgetBytes: 2 ** 26,
  };
  return createProcessBackend({ worker: moduleNamed('s3.mjs'), workerData, session: true });
}

bindConformance('the S3 backend in a worker thread', {
  createSubject: async () => {
    subjects += 1;
    inWorker ??= startWorker();
    const context = createTestContext({ principal: { session: { prefix: `${s3.prefix}${subjects}/` } } });
    return { backend: withBuffering(await inWorker, { maxFileBytes: 0 }), context, longListing: 1205 };
  },
  deviations: { ...deviations, ...profileUnderTest().conformance },
});
