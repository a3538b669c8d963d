import { test } from 'vitest';
import { type Group, PROFILES, profileUnderTest } from './profiles/index.ts';
import type { Deviations } from './profiles/profile.ts';
import { inShort } from './wire.ts';

/** One promise of the store, or of Sluice upon it: a sentence and a test of it. */
export interface Fact<Subject> {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

/** For a store that is far away or slow. */
const FACT_TIMEOUT_MS = 120_000;

/**
 * A deviation from nothing is a mistake: a fact that was renamed does not lose its exceptions unnoticed. All
 * profiles are looked at, not only the one in use, so that CI sees it too.
 */
export function checkDeviations(group: Group, names: readonly string[]): void {
  for (const profile of Object.values(PROFILES)) {
    const unknown = Object.keys(profile[group] ?? {}).filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      throw new Error(
        `the profile "${profile.name}" deviates from no fact of "${group}": ${unknown.join('; ')}`,
      );
    }
  }
}

/** Registers every fact with vitest, deviations of the profile in use in place of theirs. */
export function bindFacts<Subject>(
  facts: readonly Fact<Subject>[],
  deviations: Deviations<Subject>,
  subject: () => Subject,
): void {
  const { name: profile } = profileUnderTest();
  for (const { name, run } of facts) {
    const deviation = Object.hasOwn(deviations, name) ? deviations[name] : undefined;
    const title =
      deviation === undefined
        ? name
        : `${profile.toUpperCase()} DEVIATES from "${name}": ${deviation.reason}`;
    test(title, () => inShort((deviation?.actual ?? run)(subject())), FACT_TIMEOUT_MS);
  }
}
