import type { Connection, Principal } from './context.ts';
import type { StoredFile } from './types.ts';

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
  readonly principal: Principal;
  /** What the store says of the file; undefined unless the result is `ok`. */
  readonly stored: StoredFile | undefined;
}

/** An attempt to log in that has been answered. */
export interface LoginAttempt {
  readonly connection: Connection;
  /** As the client gave it: 128 characters of it at most. */
  readonly username: string;
  readonly method: 'password' | 'publickey' | 'other';
  /** `failed`: the authenticator could not be asked. */
  readonly outcome: 'accepted' | 'refused' | 'failed';
  /** Why it failed; undefined otherwise. */
  readonly error: unknown;
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

/** Hears of what happens. Must not throw. */
export interface ActivityListener {
  /** A client has connected, and said which software it is. */
  connected?(connection: Connection): void;
  loginAnswered?(attempt: LoginAttempt): void;
  uploadEnded(upload: EndedUpload): void;
  jobSent(job: SentJob): void;
}

export type RecordedValue = string | number | boolean | readonly (string | number | boolean)[];
export type RecordedAttributes = Readonly<Record<string, RecordedValue>>;

/** One span of a trace, as plain data. Times are in milliseconds since 1970, with fractions. */
export interface RecordedSpan {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startMs: number;
  /** Undefined while it goes on. */
  readonly endMs: number | undefined;
  readonly attributes: RecordedAttributes;
  /** What it failed of; undefined unless its status is ERROR. */
  readonly error: string | undefined;
  readonly events: readonly {
    readonly name: string;
    readonly atMs: number;
    readonly attributes: RecordedAttributes;
  }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** What is kept of a trace: its first spans, its last ones and those that failed. */
export interface RecordedTrace {
  readonly spans: readonly RecordedSpan[];
  /** Spans in the middle that were not kept. */
  readonly leftOut: number;
}
