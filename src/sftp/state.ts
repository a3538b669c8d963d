import type { StreamingBackend } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import type { MemoryAllowance } from '../contract/memory.ts';
import type { HandleTable } from './handle-table.ts';
import type { Request, RequestKind } from './wire/requests.ts';

/**
 * Runs the part of a request that calls the backend. The composition root passes one that traces it; uploads
 * are not observed here, they have a span of their own from OPEN to CLOSE.
 */
export type Observe = <T>(operation: string, path: string, run: () => Promise<T>) => Promise<T>;

/** What the handlers of one session share. */
export interface SessionState {
  readonly backend: StreamingBackend;
  readonly context: RequestContext;
  readonly handles: HandleTable;
  readonly memory: MemoryAllowance;
  readonly observe: Observe;
}

export type RequestOf<K extends RequestKind> = Request & { readonly kind: K };

/** Answers a request with the reply packet. Throws what the session turns into a STATUS. */
export type Handler<K extends RequestKind> = (
  state: SessionState,
  request: RequestOf<K>,
) => Buffer | Promise<Buffer>;
