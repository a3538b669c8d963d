import { z } from 'zod';
import type { AppParts } from '../app.ts';
import { httpUrl } from '../config/values.ts';
import { createHandlerJobs, toCreatedJobs } from '../jobs/create-handler-jobs.ts';
import type { ServerOptions } from './options.ts';
import { OptionsError } from './options-error.ts';
import { awsSchema, toAwsConfig } from './to-aws.ts';
import { isBuiltIn } from './to-backend.ts';
import { toFaults } from './to-faults.ts';

const queueSchema = z.strictObject({
  queueUrl: httpUrl,
  failureQueueUrl: httpUrl.optional(),
  groupBy: z
    .enum(['principal', 'prefix'], { error: 'must be one of: principal, prefix' })
    .default('principal'),
  everyObject: z.boolean({ error: 'must be true or false' }).default(false),
  aws: awsSchema,
});

const RIGHT = 'must be { queueUrl }, { publish } or a publisher with announce, reportFailure and close';

/** @throws OptionsError when nobody could be told. */
export async function toJobsOpener({
  jobs,
  backend,
  sidecar,
  reportsRenames = false,
}: ServerOptions): Promise<AppParts['openJobs']> {
  if (jobs === undefined) return undefined;
  if (typeof jobs !== 'object' || jobs === null) throw new OptionsError([`jobs: ${RIGHT}`]);
  if ('announce' in jobs) return async () => toCreatedJobs(jobs);
  if ('publish' in jobs) {
    if (typeof jobs.publish !== 'function') throw new OptionsError(['jobs.publish: must be a function']);
    return async (resources) => createHandlerJobs(async (event) => await jobs.publish(event), resources);
  }
  if (!('queueUrl' in jobs)) throw new OptionsError([`jobs: ${RIGHT}`]);
  const parsed = queueSchema.safeParse(jobs);
  if (!parsed.success) throw new OptionsError(toFaults(parsed.error, ['jobs']));
  const { queueUrl, failureQueueUrl, groupBy, everyObject, aws } = parsed.data;
  if (everyObject && !(isBuiltIn(backend) && backend.kind === 's3')) {
    throw new OptionsError(['jobs.everyObject: needs s3Backend: the jobs are noted down in its bucket']);
  }
  const settings = { queueUrl, failureQueueUrl, groupBy, everyObject, sidecar, reportsRenames };
  return async (resources) => {
    const { createJobs } = await import('../jobs/create.ts');
    return createJobs({ ...settings, aws: toAwsConfig(aws) }, resources);
  };
}
