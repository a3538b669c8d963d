import { createBackend } from '../../src/backends/create.ts';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import type { S3Config } from '../../src/config/load.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import type { CreatedBackend } from '../../src/contract/backend-source.ts';
import { collectLog, type LogLine } from './collect-log.ts';
import { TEST_CREDENTIALS, TEST_REGION } from './s3-subject.ts';
import { type StrictS3, type StrictS3Options, startStrictS3 } from './strict-s3/server.ts';
import { type StrictSts, type StrictStsOptions, startStrictSts, TEST_ROLE } from './strict-sts.ts';

export const BUCKET = 'uploads';
/** Of a principal. */
export const OTHER_BUCKET = 'of-acme';

/** An S3 that enforces session policies, and the STS that it has them from. */
export interface Cloud {
  readonly s3: StrictS3;
  readonly sts: StrictSts;
  close(): Promise<void>;
}

export async function startCloud(
  options: Partial<StrictStsOptions> & Pick<StrictS3Options, 'minPartBytes'> = {},
): Promise<Cloud> {
  const { minPartBytes, ...trust } = options;
  const sts = await startStrictSts({ accessKeyId: TEST_CREDENTIALS.accessKeyId, ...trust });
  const s3 = await startStrictS3({
    buckets: [BUCKET, OTHER_BUCKET],
    authorize: sts.authorize,
    ...(minPartBytes === undefined ? {} : { minPartBytes }),
  });
  return {
    s3,
    sts,
    close: async () => {
      await s3.close();
      await sts.close();
    },
  };
}

export type OpenedBackend = Omit<CreatedBackend, 'backend'> & {
  readonly backend: StreamingBackend;
  readonly lines: readonly LogLine[];
};

/** The backend as the service opens it, with the role unless told otherwise. */
export async function openTenantBackend(
  { s3, sts }: Cloud,
  options: Partial<Omit<S3Config, 'kind' | 'aws'>> & { readonly stsEndpoint?: string } = {},
): Promise<OpenedBackend> {
  const { stsEndpoint = sts.endpoint, ...config } = options;
  const reached = { region: TEST_REGION, credentials: TEST_CREDENTIALS };
  const lines: LogLine[] = [];
  const created = await createBackend(
    {
      kind: 's3',
      bucket: BUCKET,
      prefix: 'session:prefix',
      staleUploadMs: 0,
      assumeRole: { roleArn: TEST_ROLE, externalId: undefined, aws: { ...reached, endpoint: stsEndpoint } },
      aws: { ...reached, endpoint: s3.endpoint },
      ...config,
    },
    {
      budget: new MemoryBudget(64 * 1024 * 1024),
      spool: undefined,
      log: collectLog(lines).log,
      observeAwsCalls: () => undefined,
    },
  );
  return { ...created, backend: created.backend as StreamingBackend, lines };
}
