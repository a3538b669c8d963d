import { expect, test } from 'vitest';
import { checkDeviations } from './fact.ts';
import { PROFILES, profileUnderTest } from './profiles/index.ts';

test('without a name the profile is that of Amazon’s S3, without deviations', () => {
  expect(profileUnderTest('strict')).toEqual({ name: 'strict' });
});

test('a profile that nobody wrote is a failure, not the strict one', () => {
  expect(() => profileUnderTest('toString')).toThrow(
    'SLUICE_TEST_S3_PROFILE is "toString", not one of: strict, minio, moto',
  );
});

test('a deviation from a fact that is not there is a failure, whichever profile is in use', () => {
  const { minio } = PROFILES;
  const names = Object.keys({ ...minio?.wire, ...PROFILES['moto']?.wire });
  expect(() => checkDeviations('wire', names)).not.toThrow();
  const [first, ...others] = Object.keys(minio?.wire ?? {});
  expect(() => checkDeviations('wire', others)).toThrow(
    `the profile "minio" deviates from no fact of "wire": ${first}`,
  );
});

test('every deviation says why', () => {
  for (const { wire, transfers, conformance } of Object.values(PROFILES)) {
    for (const { reason } of Object.values({ ...wire, ...transfers, ...conformance })) {
      expect(reason).toMatch(/\w+ \w+ \w+/);
    }
  }
});
