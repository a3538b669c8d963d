import { minio } from './minio.ts';
import { moto } from './moto.ts';
import type { Profile } from './profile.ts';

export type Group = Exclude<keyof Profile, 'name'>;

/** `strict` is Amazon's S3, and our strict server: no deviations. */
export const PROFILES: Readonly<Record<string, Profile>> = { strict: { name: 'strict' }, minio, moto };

/** The profile that SLUICE_TEST_S3_PROFILE names; without it `strict`. */
export function profileUnderTest(name = process.env['SLUICE_TEST_S3_PROFILE'] || 'strict'): Profile {
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  if (profile !== undefined) return profile;
  throw new Error(`SLUICE_TEST_S3_PROFILE is "${name}", not one of: ${Object.keys(PROFILES).join(', ')}`);
}
