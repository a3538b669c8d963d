import { z } from 'zod';
import type { AwsConfig } from '../config/load.ts';
import { httpUrl } from '../config/values.ts';

export const awsSchema = z
  .strictObject({
    endpoint: httpUrl.optional(),
    region: z.string().optional(),
    credentials: z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() }).optional(),
  })
  .default({});

/** A store that is not AWS has no regions, but requests to it are signed for one all the same. */
export function toAwsConfig({ endpoint, region, credentials }: z.infer<typeof awsSchema>): AwsConfig {
  const signedFor = region ?? (endpoint === undefined ? undefined : 'us-east-1');
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(signedFor === undefined ? {} : { region: signedFor }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}
