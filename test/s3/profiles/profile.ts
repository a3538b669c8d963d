import type { Deviation } from '../../../src/testing/index.ts';
import type { Transfer } from '../transfer.ts';
import type { Wire } from '../wire.ts';

/** What a store does instead of a fact, and why. */
export interface FactDeviation<Subject> {
  readonly reason: string;
  /** The test of the real behaviour, run in place of the fact. */
  readonly actual: (subject: Subject) => Promise<void>;
}

export type Deviations<Subject> = Readonly<Record<string, FactDeviation<Subject>>>;

/** How a store differs from Amazon's, by the names of the facts that it does not keep. */
export interface Profile {
  readonly name: string;
  /** Facts of the wire (the rest of `facts/`). */
  readonly wire?: Deviations<Wire>;
  /** What OpenSSH's `sftp` does through Sluice (`facts/transfers.ts`). */
  readonly transfers?: Deviations<Transfer>;
  /** Cases of the conformance kit, beyond what our S3 backend deviates from on every store. */
  readonly conformance?: Readonly<Record<string, Deviation>>;
}
