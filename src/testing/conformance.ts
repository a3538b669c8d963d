import assert from 'node:assert/strict';
import { withBuffering } from '../layers/with-buffering.ts';
import { attributeCases } from './cases/attributes.ts';
import { directoryCases } from './cases/directories.ts';
import { fileCases } from './cases/files.ts';
import { listingCases } from './cases/listings.ts';
import { nameCases } from './cases/names.ts';
import { hasOwn, ownOperationCases } from './cases/own-operations.ts';
import { rangeCases } from './cases/ranges.ts';
import { renameCases } from './cases/renames.ts';
import { storedFileCases } from './cases/stored-files.ts';
import { unreachableCases } from './cases/unreachable.ts';
import { uploadContentCases } from './cases/upload-contents.ts';
import { uploadCopyCases } from './cases/upload-copies.ts';
import { uploadOpeningCases } from './cases/upload-openings.ts';
import { uploadReadCases } from './cases/upload-reads.ts';
import { uploadSizeCases } from './cases/upload-sizes.ts';
import { uploadCases } from './cases/uploads.ts';
import { createTestContext } from './context.ts';
import type { ConformanceCase, ConformanceSubject, GivenSubject, OptionalOperation } from './subject.ts';

/** Every promise of the storage contract, each as a sentence and a test of it. Needs no test runner. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...ownOperationCases,
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
  ...unreachableCases,
];

/** Largest file of the kit and some more: what the buffering layer holds for a backend of whole files. */
const MAX_BUFFERED_BYTES = 64 * 2 ** 20;

/** A promise that a backend cannot keep, and what it does instead. */
export interface Deviation {
  /** Why: a sentence for the reader of the test report. */
  readonly reason: string;
  /** The test of the real behaviour, run in place of the case. */
  readonly actual: (subject: ConformanceSubject) => Promise<void>;
}

/** How faults get into what the backend stands on. Cases for want of which there is a hook are not run, and say so. */
export interface FaultHooks<Subject extends GivenSubject> {
  /** Makes the store unreachable (stops its server, say); what it resolves with makes it reachable again, as it was. */
  readonly unreachable?: (subject: Subject) => Promise<() => Promise<void>>;
}

/** What the kit is run on. */
export interface ConformanceOptions<Subject extends GivenSubject = GivenSubject> {
  /** Called once for each case: a backend with an empty tree. */
  readonly createSubject: () => Subject | Promise<Subject>;
  /** By the name of the case. */
  readonly deviations?: Readonly<Record<string, Deviation>>;
  /** What the backend, or `copyChunk` of its uploads, has not: the kit checks that it is so, and the report names it. */
  readonly without?: readonly OptionalOperation[];
  readonly faults?: FaultHooks<Subject>;
}

/**
 * Registers every case with a test runner (`test` of vitest, of `node:test`, ...), deviations in place of
 * theirs. A case that cannot be run on this backend is registered as `NOT RUN`, and fails if it could be.
 * @throws Error for a deviation whose name is no case: a case that was renamed does not lose its exception
 * unnoticed.
 */
export function runConformance<Subject extends GivenSubject>(
  test: (name: string, run: () => Promise<void>) => void,
  options: ConformanceOptions<Subject>,
): void {
  const { createSubject, deviations = {}, without = [], faults = {} } = options;
  const names = new Set(conformanceCases.map((each) => each.name));
  const unknown = Object.keys(deviations).filter((name) => !names.has(name));
  if (unknown.length > 0) throw new Error(`deviations from no case of the kit: ${unknown.join('; ')}`);

  const lacks = ({ needs }: ConformanceCase) =>
    needs === 'faults.unreachable'
      ? faults.unreachable === undefined
      : needs !== undefined && without.includes(needs);

  for (const each of conformanceCases) {
    const { title, run } = Object.hasOwn(deviations, each.name)
      ? deviating(each, deviations[each.name])
      : lacks(each)
        ? notRun(each)
        : { title: each.name, run: each.run };
    test(title, async () => {
      const given = await createSubject();
      try {
        await run(prepare(given, faults));
      } finally {
        await given.close?.();
      }
    });
  }
}

interface Registered {
  readonly title: string;
  readonly run: (subject: ConformanceSubject) => Promise<void>;
}

function deviating({ name, run }: ConformanceCase, deviation: Deviation | undefined): Registered {
  return { title: `DEVIATION from "${name}": ${deviation?.reason}`, run: deviation?.actual ?? run };
}

function notRun({ name, needs }: ConformanceCase): Registered {
  return {
    title: `NOT RUN, for want of ${needs}: "${name}"`,
    async run(subject) {
      if (needs === undefined || needs === 'faults.unreachable') return;
      assert.ok(!(await hasOwn(subject, needs)), `it has ${needs}: take it out of \`without\``);
    },
  };
}

function prepare<Subject extends GivenSubject>(
  given: Subject,
  { unreachable }: FaultHooks<Subject>,
): ConformanceSubject {
  return {
    ...given,
    own: given.backend,
    backend: withBuffering(given.backend, { maxFileBytes: MAX_BUFFERED_BYTES }),
    context: given.context ?? createTestContext(),
    ...(unreachable && { unreachable: () => unreachable(given) }),
  };
}
