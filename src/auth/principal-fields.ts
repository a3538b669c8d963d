import { z } from 'zod';
import { BUCKET_NAME_FAULT, isBucketName } from '../contract/bucket-name.ts';
import { PERMISSIONS, type Principal } from '../contract/context.ts';

/** As JSON: every job carries it, and a message has its limit. */
const MAX_SESSION_BYTES = 16 * 1024;

/** What a source that is written as JSON says of somebody who may come in, beside how they prove it (docs/users.md). */
export const principalFields = {
  session: z
    .record(z.string(), z.string())
    .refine((session) => Buffer.byteLength(JSON.stringify(session)) <= MAX_SESSION_BYTES, {
      error: 'must be 16 KiB of JSON at most',
    })
    .default({}),
  permissions: z.array(z.enum(PERMISSIONS)).optional(),
  bucket: z.string().refine(isBucketName, { error: BUCKET_NAME_FAULT }).optional(),
} as const;

const fields = z.object(principalFields);

/** What is not said is absent, not undefined. */
export function toPrincipal(username: string, { session, ...said }: z.infer<typeof fields>): Principal {
  const { permissions, bucket } = said;
  return {
    username,
    session,
    ...(permissions === undefined ? {} : { permissions }),
    ...(bucket === undefined ? {} : { bucket }),
  };
}
