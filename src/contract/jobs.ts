import type { Connection, Principal, TraceContext } from './context.ts';
import type { FileLocation, StoredFile } from './types.ts';

/** A file that is about to stand under its name: what its job will tell, but for what the store says then. */
export interface Delivery {
  /** The upload's id: unique, and the same over every redelivery of its job. */
  readonly id: string;
  /** Where it will stand: a normalised path. */
  readonly path: string;
  /** The path that the client asked for, when it is another one. */
  readonly requestedPath?: string | undefined;
  /** Where it stood until now, for a file that had its job there already. */
  readonly renamedFrom?: string | undefined;
  readonly location: FileLocation;
  /** As the folder has it that the file is in. */
  readonly principal: Principal;
  readonly connection: Connection;
  readonly startedAt: Date;
  /** The trace of the upload, when it is another one than what is going on. */
  readonly uploadTrace?: TraceContext | undefined;
}

/** Where a job is once it is durable: on the queue, or in the outbox, from where it will go there. */
export type JobPlace = 'queue' | 'outbox';

/** What lies in an outbox. */
export interface Backlog {
  /** Waits until the queue takes it. */
  readonly waiting: number;
  /** Cannot be delivered as it is: somebody has to look at it. */
  readonly refused: number;
}

/** A job whose file does not stand under its name yet. Ends with one of the two. */
export interface AnnouncedJob {
  /** The file is stored. Resolves when the job is durable; rejects when it is not known to be. */
  publish(stored: StoredFile, trace?: TraceContext): Promise<JobPlace>;
  /** The file is not, and will not be. Never rejects. */
  withdraw(): Promise<void>;
}

/** An upload that has come to nothing. */
export interface FailedUpload {
  /** The upload's id. It never has a job. */
  readonly id: string;
  /** As the client asked for it: a normalised path. */
  readonly path: string;
  /** Where it would have stood. */
  readonly location: FileLocation;
  /** As the folder has it that the file is in. */
  readonly principal: Principal;
  readonly connection: Connection;
  readonly startedAt: Date;
  readonly failedAt: Date;
  /** `refused`: when it was opened; `aborted`: it ended without CLOSE; `failed`: while it was written or closed. */
  readonly outcome: 'refused' | 'aborted' | 'failed';
  /** For the consumer's eyes: a POSIX code, and a sentence without anything of the inside. */
  readonly error: { readonly code: string; readonly message: string };
  /** Bytes of the file as it was then. */
  readonly bytes: number;
}

/** Hands jobs to whoever processes the files. */
export interface JobPublisher {
  /**
   * Before the file comes to stand under its name. Where every object is to have its job, it resolves once so much is
   * noted that the job is sent even if this process ends before it can publish. `trace` is of what is going on.
   */
  announce(delivery: Delivery, trace?: TraceContext): Promise<AnnouncedJob>;
  /**
   * Tells of a failed upload, if it can: where the report is then, undefined for nowhere. Never rejects. No client's answer
   * waits for it. `trace` is of what has failed.
   */
  reportFailure(failure: FailedUpload, trace?: TraceContext): Promise<JobPlace | undefined>;
  /** Releases connections; jobs being published, and reports, are finished first. */
  close(): Promise<void>;
}
