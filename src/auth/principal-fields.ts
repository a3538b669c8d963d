import { z } from 'zod';
import { BUCKET_NAME_FAULT, isBucketName } from '../contract/bucket-name.ts';
import { PERMISSIONS, type Principal } from '../contract/context.ts';
import { normalizePath } from '../contract/path.ts';
import { limitsField } from './limits-field.ts';
import { withoutUndefined } from './without-undefined.ts';

/** As JSON: every job carries it, and a message has its limit. */
const MAX_SESSION_BYTES = 16 * 1024;

/** Each path of a request is looked up among them. */
const MAX_FOLDERS = 1000;

const session = z
  .record(z.string(), z.string())
  .refine((attributes) => Buffer.byteLength(JSON.stringify(attributes)) <= MAX_SESSION_BYTES, {
    error: 'must be 16 KiB of JSON at most',
  });

const permissions = z.array(z.enum(PERMISSIONS));

const path = z.string().refine(isNormalPath, { error: 'must be an absolute path of plain names, as /in' });

const bucket = z.string().refine(isBucketName, { error: BUCKET_NAME_FAULT });

const folder = z.strictObject({
  path,
  target: path.optional(),
  session: session.optional(),
  bucket: bucket.optional(),
  permissions: permissions.optional(),
});

const folders = z
  .array(folder)
  .min(1, 'must have one folder at least; who has no such field sees everything')
  .max(MAX_FOLDERS, `must have ${MAX_FOLDERS} folders at most`)
  .superRefine((all, context) => {
    const seen = new Set<string>();
    for (const [index, each] of all.entries()) {
      if (seen.has(each.path))
        context.addIssue({ code: 'custom', path: [index, 'path'], message: `${each.path} is there already` });
      seen.add(each.path);
    }
  });

/** What a source that is written as JSON says of somebody who may come in, beside how they prove it (docs/users.md). */
export const principalFields = {
  session: session.default({}),
  permissions: permissions.optional(),
  bucket: bucket.optional(),
  folders: folders.optional(),
  home: path.optional(),
  limits: limitsField.optional(),
} as const;

const fields = z.object(principalFields);

export function toPrincipal(username: string, said: z.infer<typeof fields>): Principal {
  return withoutUndefined({ username, ...said }) as unknown as Principal;
}

const principal = z.object({ username: z.string().min(1), ...principalFields });

/**
 * What somebody else's code says of who may come in, held to the same rules.
 * @throws TypeError naming each field that is wrong.
 */
export function checkPrincipal(answer: unknown): Principal {
  const { data, error } = principal.safeParse(answer);
  if (data === undefined) throw new TypeError(faultsOf(error).join('; '));
  const { username, ...said } = data;
  return toPrincipal(username, said);
}

/** `folders.0.path: must be ...`, each. */
export function faultsOf({ issues }: z.ZodError): string[] {
  return issues.map(({ path: field, message }) => `${field.join('.') || 'it'}: ${message}`);
}

function isNormalPath(text: string): boolean {
  try {
    return normalizePath(text) === text;
  } catch {
    return false;
  }
}
