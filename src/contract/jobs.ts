import type { Connection, Principal } from './context.ts';
import type { StoredFile } from './types.ts';

/** An upload that the backend has finished: what a job tells. */
export interface FinishedUpload {
  /** The upload's id: unique, and the same over every redelivery of its job. */
  readonly id: string;
  /** The normalised path the client used. */
  readonly path: string;
  readonly stored: StoredFile;
  readonly principal: Principal;
  readonly connection: Connection;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** W3C trace context of whatever the consumer shall continue (https://www.w3.org/TR/trace-context/). */
export interface TraceContext {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** Hands jobs to whoever processes the files. */
export interface JobPublisher {
  /**
   * Says that a job may come soon, so that others may wait for it and go with it. Call the returned function, once, when it
   * is about to be published, or will not be.
   */
  expect(): () => void;
  /** Resolves when the job is durable; rejects when it is not known to be. */
  publish(upload: FinishedUpload, trace?: TraceContext): Promise<void>;
  /** Releases connections; jobs being published are finished first. */
  close(): Promise<void>;
}
