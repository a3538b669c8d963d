import type { Backend, StreamingBackend } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';

/** What an author gives the kit for one case. */
export interface GivenSubject {
  /** With an empty tree. The optional operations that it has not are lent by the buffering layer, as the server does. */
  readonly backend: Backend;
  /** Who asks; `createTestContext()` when absent. */
  readonly context?: RequestContext;
  /** Entries in the long listing: more than one page of the store. 150 when absent. */
  readonly longListing?: number;
  /** Whether the store has times and modes of its own; true when absent. One that has none still takes them. */
  readonly keepsAttributes?: boolean;
  /** Called when the case is over, however it ended. */
  readonly close?: () => Promise<void>;
}

/** What a conformance case is run on: a backend whose tree is empty, and who asks. */
export interface ConformanceSubject extends GivenSubject {
  readonly backend: StreamingBackend;
  readonly context: RequestContext;
  /** The backend as it was given, without what is lent to it. */
  readonly own: Backend;
  /** Takes away what the backend stands on, where the kit was told how; what it resolves with gives it back. */
  readonly unreachable?: () => Promise<() => Promise<void>>;
}

/** The operations of the contract that a backend, or its uploads, may do without. */
export const OPTIONAL_OPERATIONS = [
  'readFileRange',
  'beginWrite',
  'storedFile',
  'locate',
  'copyChunk',
] as const;
/** One of {@link OPTIONAL_OPERATIONS}. */
export type OptionalOperation = (typeof OPTIONAL_OPERATIONS)[number];

/** One promise of the contract. */
export interface ConformanceCase {
  /** A sentence; unique in the kit. */
  readonly name: string;
  /** What there is nothing to ask without. */
  readonly needs?: OptionalOperation | 'faults.unreachable';
  /** Rejects when the promise that the name states is broken. */
  readonly run: (subject: ConformanceSubject) => Promise<void>;
}
