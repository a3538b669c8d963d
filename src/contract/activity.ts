import type { Connection } from './context.ts';

/** An SSH connection that has authenticated, as it is at this moment. */
export interface LiveSession {
  readonly connection: Connection;
  readonly username: string;
  readonly connectedAt: Date;
  /** Off and onto the socket, in bytes. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

interface Uploading {
  /** That of the job. */
  readonly id: string;
  readonly sessionId: string;
  readonly username: string;
  readonly clientAddress: string;
  readonly path: string;
  readonly startedAt: Date;
  /** Size of the file so far. */
  readonly bytes: number;
  /** Of the upload's trace; undefined where it is not recorded. */
  readonly traceId: string | undefined;
}

/** An upload between OPEN and the end of CLOSE, as it is at this moment. */
export interface LiveUpload extends Uploading {
  /** Set once the client has closed it: what is left is S3's and the queue's work. */
  readonly isFinishing: boolean;
  /** What the client has said that the size will be; most say nothing. */
  readonly expectedBytes: number | undefined;
}

/** An upload that has ended. */
export interface EndedUpload extends Uploading {
  readonly endedAt: Date;
  /** `ok`, or the POSIX code; `ECONNABORTED` when it ended without CLOSE. */
  readonly result: string;
  /** Of the object that was made. */
  readonly key: string | undefined;
}

/** An event for the queue, once it is durable or has failed to be. */
export interface SentJob {
  /** The upload's. */
  readonly id: string;
  readonly type: 'finished' | 'renamed' | 'failed';
  readonly path: string;
  readonly sentAt: Date;
  readonly place: 'queue' | 'outbox' | 'nowhere';
  readonly traceId: string | undefined;
}

/** Hears of what ends. Must not throw. */
export interface ActivityListener {
  uploadEnded(upload: EndedUpload): void;
  jobSent(job: SentJob): void;
}
