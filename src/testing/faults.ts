import { FsError, type FsErrorCode } from '../contract/errors.ts';
import type { Fault, FaultRule, FaultyOperation, PlannedCall } from './fault-rule.ts';
import { createRandom } from './probe.ts';
import { SetRule } from './set-rule.ts';

/** One call of an operation. */
export interface FaultyCall {
  readonly operation: FaultyOperation;
  /** Of `rename`, where it moves from; of an upload's operations, that of the upload. */
  readonly path: string;
  /** `pending` until it has ended; then `ok`, the code of its FsError, or `thrown` for anything else. */
  readonly outcome: 'pending' | 'ok' | 'thrown' | FsErrorCode;
  /** Whether a fault has struck it. */
  readonly struck: boolean;
}

/** The faults of one backend or of several: rules to add and take back at any time, and what was called. */
export interface FaultPlan {
  /**
   * Each rule counts its own matches; of those that are due the one added first strikes.
   * @throws TypeError for a hang of `setAttributes` or `locate`, which answer at once.
   */
  fault(rule: FaultRule): Fault;
  /** Releases every fault. What was called stays known. */
  clear(): void;
  /** In order; a listing is a call for each page, its end included. */
  readonly calls: readonly FaultyCall[];
  /** Carries out one call as the rules have it; a promise where `work` gives one. `withFaults` calls it. */
  carryOut<Result>(call: PlannedCall, work: () => Result): Result;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The operations that answer at once, without a promise. */
const SYNCHRONOUS: readonly FaultyOperation[] = ['setAttributes', 'locate'];

/** A plan without faults yet. Calls that come in the same order meet the same dice, for the same `seed` (default 1). */
export function createFaultPlan({ seed = 1 }: { readonly seed?: number } = {}): FaultPlan {
  const rules = new Set<SetRule>();
  const calls: FaultyCall[] = [];
  const random = createRandom(seed);

  return {
    calls,
    fault(rule) {
      const held = [rule.operation ?? []].flat().filter((operation) => SYNCHRONOUS.includes(operation));
      if ('hang' in rule && held.length > 0) throw new TypeError(`${held.join(' and ')} cannot wait`);
      const set = new SetRule(rule, random, () => rules.delete(set));
      rules.add(set);
      return set;
    },
    clear() {
      for (const rule of rules) rule.release();
    },
    carryOut(call, work) {
      const { operation, path } = call;
      const [rule] = [...rules].filter((each) => each.isDue(call));
      const noted: Mutable<FaultyCall> = { operation, path, outcome: 'pending', struck: rule !== undefined };
      calls.push(noted);
      return noteOutcome(noted, () => {
        if (rule === undefined) return work();
        return SYNCHRONOUS.includes(operation) ? rule.throwAround(call, work) : rule.strikeAround(call, work);
      });
    },
  };
}

/** What `work` gives, unchanged; how it ended is noted first. */
function noteOutcome<Result>(noted: Mutable<FaultyCall>, work: () => Result): Result {
  const failed = (error: unknown) => {
    noted.outcome = error instanceof FsError ? error.code : 'thrown';
    throw error;
  };
  try {
    const result = work();
    if (!(result instanceof Promise)) {
      noted.outcome = 'ok';
      return result;
    }
    return result.then((value) => {
      noted.outcome = 'ok';
      return value;
    }, failed) as Result;
  } catch (error) {
    return failed(error);
  }
}
