import { z } from 'zod';
import type { AppParts } from '../app.ts';
import { createBackend } from '../backends/create.ts';
import { assertBackend, BackendError, isFactory } from '../backends/custom/check.ts';
import { loadBackendModule } from '../backends/custom/load-module.ts';
import { openCustomBackend } from '../backends/custom/open.ts';
import type { S3Config } from '../config/load.ts';
import { keyPrefix, LIMITS, wholeNumberFault } from '../config/values.ts';
import type { BackendFactory, ManagedBackend } from '../contract/backend-source.ts';
import type { BackendSource, BuiltInBackend } from './options.ts';
import { OptionsError } from './options-error.ts';
import { awsSchema, toAwsConfig } from './to-aws.ts';
import { toFaults } from './to-faults.ts';

const HOURS = wholeNumberFault(LIMITS.staleUploadHours);
const { min, max, fallback } = LIMITS.staleUploadHours;

const s3Schema = z.strictObject({
  bucket: z.string({ error: 'is required: the name of the bucket that files go into' }).min(1),
  prefix: keyPrefix.default(''),
  staleUploadHours: z.int({ error: HOURS }).min(min, HOURS).max(max, HOURS).default(fallback),
  aws: awsSchema,
});

/**
 * Loads and checks the backend; it is made when the service is.
 * @throws OptionsError when there is none.
 */
export async function toBackendOpener(
  source: BackendSource,
  options: unknown,
): Promise<AppParts['openBackend']> {
  if (isBuiltIn(source)) {
    const config = toS3Config(source.options);
    return (resources) => createBackend(config, resources);
  }
  const [custom, what] = await toCustom(source);
  return ({ log, budget: memory }) => openCustomBackend(custom, { what, options }, { log, memory });
}

export function isBuiltIn(source: unknown): source is BuiltInBackend {
  return typeof source === 'object' && source !== null && 'kind' in source && source.kind === 's3';
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

function toS3Config(options: unknown): S3Config {
  const parsed = s3Schema.safeParse(options);
  if (!parsed.success) throw new OptionsError(toFaults(parsed.error, ['backend']));
  const { bucket, prefix, staleUploadHours, aws } = parsed.data;
  return { kind: 's3', bucket, prefix, staleUploadMs: staleUploadHours * 3_600_000, aws: toAwsConfig(aws) };
}
