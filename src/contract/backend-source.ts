import type { Backend } from './backend.ts';
import type { Log } from './log.ts';
import type { MemoryAllowance } from './memory.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { Probe, ProbeResult } from './probe.ts';

/** What a backend may have besides the operations of the contract. The server calls each of them at its time. */
export interface BackendLifecycle {
  /** Whether what the backend stands on is there. A rejection counts as `unreachable`; without it all is well. */
  probe?(): Promise<ProbeResult>;
  /** Begins what the backend does by itself, once clients are let in. Must not throw. */
  start?(): void;
  /** Releases what the backend holds. Called once, when every upload has ended. */
  close?(): Promise<void> | void;
}

/** A backend as a server takes it: the operations, and what of a lifecycle it needs. */
export type ManagedBackend = Backend & BackendLifecycle;

/** What a backend may use of the server that it is made for. */
export interface BackendSurroundings {
  readonly log: Log;
  /** The server's memory budget: a backend that holds bytes of files accounts for them here. */
  readonly memory: MemoryAllowance;
}

/** Makes a backend from options: what a module exports, or an object of the same shape. */
export interface BackendFactory {
  /**
   * Called once for each server, before anybody connects; a rejection keeps the server from starting. `options` is what
   * the server was given for it (`backendOptions`, `SLUICE_BACKEND_OPTIONS`), unchecked: `undefined` for nothing.
   */
  // biome-ignore lint/suspicious/noExplicitAny: each factory knows its own options
  init(options: any, surroundings: BackendSurroundings): ManagedBackend | Promise<ManagedBackend>;
}

/** A backend with all that a service needs of it. */
export interface CreatedBackend {
  readonly backend: Backend;
  /** For what must outlive the process; undefined where nothing does. */
  readonly outboxStore: OutboxStore | undefined;
  /** What the backend stands on, for reports: `bucket`, ... */
  readonly standsOn: string;
  /** Whether that is there. */
  readonly probe: Probe;
  /** What else it stands on, by name. */
  readonly furtherProbes?: ReadonlyMap<string, Probe>;
  /** Whether principals may have buckets of their own. */
  readonly hasBuckets?: boolean;
  /** Begins what the backend does by itself, beside requests. */
  start(): void;
  close(): Promise<void>;
}
