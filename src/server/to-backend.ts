import { z } from 'zod';
import type { AppParts } from '../app.ts';
import { createBackend } from '../backends/create.ts';
import { assertBackend, BackendError, isFactory } from '../backends/custom/check.ts';
import { loadBackendModule } from '../backends/custom/load-module.ts';
import { openCustomBackend } from '../backends/custom/open.ts';
import type { FolderConfig, S3Config } from '../config/load.ts';
import { externalId, keyPrefix, LIMITS, roleArn, wholeNumberFault } from '../config/values.ts';
import type { BackendFactory, ManagedBackend } from '../contract/backend-source.ts';
import type { BackendSource, BuiltInBackend } from './options.ts';
import { OptionsError } from './options-error.ts';
import { awsSchema, toAwsConfig } from './to-aws.ts';
import { toFaults } from './to-faults.ts';

const HOURS = wholeNumberFault(LIMITS.staleUploadHours);
const { min, max, fallback } = LIMITS.staleUploadHours;

const shared = {
  prefix: keyPrefix.default(''),
  staleUploadHours: z.int({ error: HOURS }).min(min, HOURS).max(max, HOURS).default(fallback),
};

const schemas = {
  s3: z.strictObject({
    bucket: z.string({ error: 'is required: the name of the bucket that files go into' }).min(1),
    ...shared,
    assumeRole: z
      .strictObject({ roleArn, externalId: externalId.optional(), aws: awsSchema })
      .transform(({ aws, ...role }) => ({ externalId: undefined, ...role, aws: toAwsConfig(aws) }))
      .optional(),
    aws: awsSchema,
  }),
  folder: z.strictObject({
    root: z.string({ error: 'is required: the folder that files go into' }).min(1),
    ...shared,
  }),
};

/**
 * Loads and checks the backend; it is made when the service is.
 * @throws OptionsError when there is none.
 */
export async function toBackendOpener(
  source: BackendSource,
  options: unknown,
): Promise<AppParts['openBackend']> {
  if (isBuiltIn(source)) {
    const config = toConfig(source);
    return (resources) => createBackend(config, resources);
  }
  const [custom, what] = await toCustom(source);
  return ({ log, budget: memory }) => openCustomBackend(custom, { what, options }, { log, memory });
}

export function isBuiltIn(source: unknown): source is BuiltInBackend {
  return typeof source === 'object' && source !== null && 'kind' in source && String(source.kind) in schemas;
}

async function toCustom(source: unknown): Promise<[BackendFactory | ManagedBackend, string]> {
  try {
    if (typeof source === 'string' || source instanceof URL) {
      return [await loadBackendModule(String(source)), `the module ${source}`];
    }
    if (isFactory(source)) return [source, 'backend'];
    assertBackend(source, 'it');
    return [source, 'backend'];
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    throw new OptionsError([`backend: ${error.message}`]);
  }
}

function toConfig({ kind, options }: BuiltInBackend): S3Config | FolderConfig {
  if (kind === 's3') {
    const { staleUploadHours, aws, assumeRole, ...named } = parsed(schemas.s3, options);
    const staleUploadMs = toMs(staleUploadHours);
    return { kind, ...named, staleUploadMs, assumeRole, aws: toAwsConfig(aws) };
  }
  const { root: folder, prefix, staleUploadHours } = parsed(schemas.folder, options);
  return { kind, folder, prefix, staleUploadMs: toMs(staleUploadHours) };
}

const toMs = (hours: number) => hours * 3_600_000;

function parsed<T>(schema: z.ZodType<T>, options: unknown): T {
  const result = schema.safeParse(options);
  if (!result.success) throw new OptionsError(toFaults(result.error, ['backend']));
  return result.data;
}
