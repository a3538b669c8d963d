import type { Backend, Upload } from '../contract/backend.ts';
import type { FsErrorCode } from '../contract/errors.ts';

/** Every operation of the contract, those of uploads included. */
export type FaultyOperation =
  | Exclude<keyof Backend, 'name'>
  | Exclude<keyof Upload, 'size' | 'unitAt' | 'takesAtOnce'>;

/** A call that rules are asked about. */
export interface PlannedCall {
  readonly operation: FaultyOperation;
  readonly path: string;
  readonly signal: AbortSignal;
}

/** What is done to a call. */
export type FaultAction =
  /** It rejects an FsError of this code (`setAttributes` and `locate` throw it). */
  | { readonly fail: FsErrorCode }
  /** It throws this, whatever it is: at "request" at once, without so much as a promise. */
  | { readonly throws: unknown }
  /** It waits until the fault is released, then goes on; it rejects `ECANCELED` once the signal of its request aborts. */
  | { readonly hang: true };

/** Which calls are struck, and how. What is left out matches every call. */
export type FaultRule = {
  readonly operation?: FaultyOperation | readonly FaultyOperation[];
  /** The normalised path of the call: this one, any that matches, or any that the function says yes to. */
  readonly path?: string | RegExp | ((path: string) => boolean);
  /** The first matching call to be struck, counted from 1 (default 1). */
  readonly nth?: number;
  /** How many from there on (default: one where `nth` is given, else all). */
  readonly times?: number;
  /** Of those, the share that is struck, by dice of the plan's seed (default 1: all). */
  readonly chance?: number;
  /** Before the backend hears of the call (default), or when it has done it and only the answer is to come. */
  readonly at?: 'request' | 'answer';
} & FaultAction;

/** The test's hold on a rule. */
export interface Fault {
  /** How many calls it has struck so far. */
  readonly hits: number;
  /** Resolves when it has struck this many (default 1). */
  reached(hits?: number): Promise<void>;
  /** Withdraws the rule, and lets go of the calls that it holds. */
  release(): void;
}
