import { describe, test } from 'vitest';
import { type ConformanceOptions, runConformance } from '../../src/testing/index.ts';

/** For a store behind a wire; in memory the whole kit takes a second. */
const CASE_TIMEOUT_MS = 60_000;

/** Binds the conformance kit to vitest. */
export function bindConformance(subject: string, options: ConformanceOptions): void {
  describe(`${subject} keeps the storage contract`, () => {
    runConformance((name, run) => test(name, run, CASE_TIMEOUT_MS), options);
  });
}
