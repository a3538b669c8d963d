import { z } from 'zod';
import { PERMISSIONS, type Principal } from '../contract/context.ts';
import { limitsField } from './limits-field.ts';

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
  limits: limitsField.optional(),
} as const;

const fields = z.object(principalFields);

/** What is not said is absent, not undefined. */
export function toPrincipal(username: string, { session, ...said }: z.infer<typeof fields>): Principal {
  const { permissions, limits } = said;
  return {
    username,
    session,
    ...(permissions === undefined ? {} : { permissions }),
    ...(limits === undefined ? {} : { limits }),
  };
}
