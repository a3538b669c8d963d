import type { StreamingBackend } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';

/** What a conformance case is run on: a backend whose tree is empty, and who asks. */
export interface ConformanceSubject {
  readonly backend: StreamingBackend;
  readonly context: RequestContext;
  /** Entries in the long listing: more than one page of the store. 150 when absent. */
  readonly longListing?: number;
  /** Whether the store has times and modes of its own; true when absent. One that has none still takes them. */
  readonly keepsAttributes?: boolean;
  /** Called when the case is over, however it ended. */
  readonly close?: () => Promise<void>;
}

/** One promise of the contract. */
export interface ConformanceCase {
  /** A sentence; unique in the kit. */
  readonly name: string;
  /** Rejects when the promise that the name states is broken. */
  readonly run: (subject: ConformanceSubject) => Promise<void>;
}
