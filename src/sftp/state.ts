import type { StreamingBackend } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import type { MemoryAllowance } from '../contract/memory.ts';
import type { Pace } from '../contract/pace.ts';
import type { EndedReading } from './file-reader.ts';
import type { HandleTable } from './handle-table.ts';
import type { Reply } from './wire/replies.ts';
import type { Request, RequestKind } from './wire/requests.ts';

/**
 * Sees what requests ask of the backend. The composition root passes one that traces it and writes it down; uploads are not
 * observed here, they have a span and log lines of their own from OPEN to CLOSE.
 */
export interface RequestObserver {
  /** Runs the part of a request that calls the backend. `targetPath` is the second path of those that name two. */
  request<T>(operation: string, path: string, run: () => Promise<T>, targetPath?: string): Promise<T>;
  /** A file that was open for reading has been closed, or its session has ended. */
  downloaded(path: string, ended: EndedReading): void;
  /** A request was answered with an error that is no fault; those that `request` has run are among them. */
  refused(error: unknown, request: NamedRequest): void;
  /** The client broke the protocol, and its session is ended for it. */
  broken(reason: string): void;
}

/** A request, with what it names: paths as they were sent. */
export interface NamedRequest {
  readonly kind: RequestKind | 'write';
  readonly path?: string;
  readonly from?: string;
  readonly to?: string;
  readonly targetPath?: string;
  readonly what?: string;
}

/** What the handlers of one session share. */
export interface SessionState {
  readonly backend: StreamingBackend;
  readonly context: RequestContext;
  readonly handles: HandleTable;
  readonly memory: MemoryAllowance;
  /** Of what is read. */
  readonly pace: Pace | undefined;
  readonly observer: RequestObserver;
}

export type RequestOf<K extends RequestKind> = Request & { readonly kind: K };

/** Answers a request with the reply packet. Throws what the session turns into a STATUS. */
export type Handler<K extends RequestKind> = (
  state: SessionState,
  request: RequestOf<K>,
) => Reply | Promise<Reply>;
