import { createS3Backend } from '../../src/backends/s3/backend.ts';
import { createS3Client, type Silence } from '../../src/backends/s3/client.ts';
import { detectFeatures } from '../../src/backends/s3/detect-features.ts';
import type { PartPlan } from '../../src/backends/s3/part-plan.ts';
import { ObjectStore } from '../../src/backends/s3/store.ts';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import type { AwsConfig } from '../../src/config/load.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';

export const TEST_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test-secret' };
export const TEST_REGION = 'us-east-1';

export interface S3Subject {
  readonly backend: StreamingBackend;
  readonly store: ObjectStore;
  readonly budget: MemoryBudget;
  close(): void;
}

/** The S3 backend on any S3 endpoint, as the service makes it. */
export function createS3Subject(
  endpoint: string,
  bucket: string,
  options: Pick<AwsConfig, 'region' | 'credentials'> & {
    readonly prefix?: string;
    readonly budgetBytes?: number;
    /** Whether the store is asked what it can do, as the service does with one that may not be Amazon's. */
    readonly detects?: boolean;
    readonly silence?: Silence;
    readonly plan?: PartPlan;
  } = {},
): S3Subject {
  const { prefix = '', budgetBytes = 64 * 1024 * 1024, detects = false, silence, plan } = options;
  const { region = TEST_REGION, credentials = TEST_CREDENTIALS } = options;
  const client = createS3Client({ endpoint, region, credentials }, silence);
  const store = new ObjectStore(client, bucket, detects ? detectFeatures : undefined);
  const budget = new MemoryBudget(budgetBytes);
  const backend = createS3Backend({
    storeOf: () => store,
    prefix,
    budget,
    ...(plan === undefined ? {} : { plan }),
  });
  return { backend, store, budget, close: () => client.destroy() };
}
