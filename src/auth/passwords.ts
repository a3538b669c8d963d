import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** An argon2id hash in PHC string format, with a random salt. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

/** Whether the password is that of the hash. False for a hash that cannot be read. */
export async function verifyPassword(passwordHash: string, password: string): Promise<boolean> {
  try {
    return await verify(passwordHash, password);
  } catch {
    return false;
  }
}

/** A hash that no password matches, as expensive to check as `like`, or as our own when that is absent. */
export async function decoyHash(like?: string): Promise<string> {
  const decoy = await hashPassword(randomBytes(32).toString('base64'));
  const cost = like?.match(/\$m=\d+,t=\d+,p=\d+\$/)?.[0];
  return cost === undefined ? decoy : decoy.replace(/\$m=\d+,t=\d+,p=\d+\$/, () => cost);
}
