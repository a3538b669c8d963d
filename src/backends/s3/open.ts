import type { MemoryBudget } from '../../buffers/budget.ts';
import type { Spool } from '../../buffers/spool.ts';
import type { S3Config } from '../../config/load.ts';
import type { CreatedBackend } from '../../contract/backend-source.ts';
import { isBucketName } from '../../contract/bucket-name.ts';
import type { Principal } from '../../contract/context.ts';
import { FsError } from '../../contract/errors.ts';
import type { Log } from '../../contract/log.ts';
import { PrefixMapper } from '../../contract/prefix.ts';
import type { ObserveAwsCalls } from '../../telemetry/aws-calls.ts';
import { createS3Backend } from './backend.ts';
import { Buckets } from './buckets.ts';
import { createS3Client, createSibling } from './client.ts';
import { detectFeatures } from './detect-features.ts';
import { createOutboxStore } from './outbox-store.ts';
import { probeBucket } from './probe.ts';
import { ObjectStore } from './store.ts';
import { createSweeper } from './sweeper.ts';

export interface S3Resources {
  readonly budget: MemoryBudget;
  readonly spool: Spool | undefined;
  readonly log: Log;
  readonly observeAwsCalls: ObserveAwsCalls;
}

/** The backend with its client, what it finds out about the store, and its sweepers. */
export async function openS3Backend(config: S3Config, resources: S3Resources): Promise<CreatedBackend> {
  const { bucket, prefix, staleUploadMs, aws } = config;
  const { budget, spool, log, observeAwsCalls } = resources;
  const client = createS3Client(aws);
  observeAwsCalls(client, 'S3');
  const detect = aws.endpoint === undefined ? undefined : detectFeatures;
  const own = new ObjectStore(client, bucket, detect);
  const buckets = new Buckets({
    own,
    createSweeper: (store) =>
      staleUploadMs === 0 ? undefined : createSweeper({ store, prefix, olderThanMs: staleUploadMs, log }),
  });
  const storeOf = (principal: Principal) => buckets.store(bucketOf(principal));
  const tenants = await openTenants(config, resources, own, storeOf);
  return {
    backend: createS3Backend({ storeOf: tenants?.storeOf ?? storeOf, prefix, budget, spool }),
    outboxStore: createOutboxStore(own, (name) => buckets.store(name)),
    hasBuckets: true,
    standsOn: 'bucket',
    probe: () => probeBucket(own),
    ...(tenants === undefined ? {} : { furtherProbes: new Map([['role', tenants.probe]]) }),
    start: () => {
      // Before the first upload that needs to know.
      void own.features();
      buckets.start();
    },
    close: async () => {
      await buckets.close();
      tenants?.close();
      client.destroy();
    },
  };
}

/** What a module or a library may say is not checked where it is said. */
function bucketOf({ bucket }: Principal): string | undefined {
  if (bucket === undefined || isBucketName(bucket)) return bucket;
  throw new FsError('EACCES', 'what the principal has for a bucket is the name of none');
}

/** Stores that principals are confined to, where there is a role for that; its client is loaded only then. */
async function openTenants(
  { prefix, aws, assumeRole }: S3Config,
  { log, observeAwsCalls }: S3Resources,
  own: ObjectStore,
  storeOf: (principal: Principal) => ObjectStore,
) {
  if (assumeRole === undefined) return undefined;
  const [{ AssumedRole }, { TenantStores }] = await Promise.all([
    import('./assume-role.ts'),
    import('./tenant-stores.ts'),
  ]);
  const role = new AssumedRole(assumeRole, { log, observeAwsCalls });
  const tenants = new TenantStores({
    role,
    roleArn: assumeRole.roleArn,
    hasKms: isAmazons(assumeRole.aws.endpoint),
    prefixes: new PrefixMapper(prefix),
    storeOf,
    createClient: (credentials) => {
      const client = createSibling(own.client, { ...aws, credentials });
      observeAwsCalls(client, 'S3');
      return client;
    },
  });
  return {
    storeOf: (principal: Principal) => tenants.store(principal),
    probe: () => tenants.probe(own),
    close: () => role.close(),
  };
}

/** Also by an endpoint in a VPC. */
function isAmazons(endpoint: string | undefined): boolean {
  return endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}
