import { attributeCases } from './cases/attributes.ts';
import { directoryCases } from './cases/directories.ts';
import { fileCases } from './cases/files.ts';
import { listingCases } from './cases/listings.ts';
import { nameCases } from './cases/names.ts';
import { rangeCases } from './cases/ranges.ts';
import { renameCases } from './cases/renames.ts';
import { storedFileCases } from './cases/stored-files.ts';
import { uploadContentCases } from './cases/upload-contents.ts';
import { uploadCopyCases } from './cases/upload-copies.ts';
import { uploadOpeningCases } from './cases/upload-openings.ts';
import { uploadReadCases } from './cases/upload-reads.ts';
import { uploadSizeCases } from './cases/upload-sizes.ts';
import { uploadCases } from './cases/uploads.ts';
import type { ConformanceCase, ConformanceSubject } from './subject.ts';

/** Every promise of the storage contract, each as a sentence and a test of it. Needs no test runner. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...listingCases,
  ...directoryCases,
  ...fileCases,
  ...rangeCases,
  ...renameCases,
  ...storedFileCases,
  ...nameCases,
  ...uploadOpeningCases,
  ...uploadCases,
  ...uploadContentCases,
  ...uploadSizeCases,
  ...uploadReadCases,
  ...uploadCopyCases,
  ...attributeCases,
];

/** A promise that a backend cannot keep, and what it does instead. */
export interface Deviation {
  /** Why: a sentence for the reader of the test report. */
  readonly reason: string;
  /** The test of the real behaviour, run in place of the case. */
  readonly actual: (subject: ConformanceSubject) => Promise<void>;
}

/** What the kit is run on. */
export interface ConformanceOptions {
  /** Called once for each case: a backend with an empty tree. */
  readonly createSubject: () => ConformanceSubject | Promise<ConformanceSubject>;
  /** By the name of the case. */
  readonly deviations?: Readonly<Record<string, Deviation>>;
}

/**
 * Registers every case with a test runner (`test` of vitest, of `node:test`, ...), deviations in place of
 * theirs.
 * @throws Error for a deviation whose name is no case: a case that was renamed does not lose its exception
 * unnoticed.
 */
export function runConformance(
  test: (name: string, run: () => Promise<void>) => void,
  options: ConformanceOptions,
): void {
  const { createSubject, deviations = {} } = options;
  const names = new Set(conformanceCases.map((each) => each.name));
  const unknown = Object.keys(deviations).filter((name) => !names.has(name));
  if (unknown.length > 0) throw new Error(`deviations from no case of the kit: ${unknown.join('; ')}`);

  for (const { name, run } of conformanceCases) {
    const deviation = Object.hasOwn(deviations, name) ? deviations[name] : undefined;
    const title = deviation === undefined ? name : `DEVIATION from "${name}": ${deviation.reason}`;
    test(title, async () => {
      const subject = await createSubject();
      try {
        await (deviation?.actual ?? run)(subject);
      } finally {
        await subject.close?.();
      }
    });
  }
}
