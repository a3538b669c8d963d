/** What the server tells the page: times in milliseconds since 1970, by the server's clock. */

export interface AboutMessage {
  readonly service: string;
  readonly version: string;
  readonly backend: string;
  readonly startedAt: number;
}

export interface SessionMessage {
  readonly id: string;
  readonly username: string;
  readonly clientAddress: string;
  readonly clientVersion: string;
  readonly connectedAt: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

interface UploadingMessage {
  readonly id: string;
  readonly username: string;
  readonly clientAddress: string;
  readonly path: string;
  readonly startedAt: number;
  readonly bytes: number;
  readonly traceId: string | null;
}

export interface UploadMessage extends UploadingMessage {
  readonly isFinishing: boolean;
  readonly expectedBytes: number | null;
}

export interface EndedMessage extends UploadingMessage {
  readonly endedAt: number;
  readonly result: string;
  readonly key: string | null;
}

export interface JobMessage {
  readonly id: string;
  readonly type: 'finished' | 'renamed' | 'failed';
  readonly path: string;
  readonly sentAt: number;
  readonly place: 'queue' | 'outbox' | 'nowhere';
  readonly traceId: string | null;
}

export interface BufferMessage {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

/** The event `state`: everything, at the beginning of a stream. */
export interface StateMessage {
  readonly now: number;
  readonly about: AboutMessage;
  readonly sessions: readonly SessionMessage[];
  readonly uploads: readonly UploadMessage[];
  /** Newest first, as in every list of what has ended. */
  readonly ended: readonly EndedMessage[];
  readonly jobs: readonly JobMessage[];
  readonly buffer: BufferMessage;
}

/** What became of a list of things that live: those that came, those that went, new numbers of the others. */
export interface Changes<T, Numbers> {
  readonly added: readonly T[];
  readonly changed: readonly (Numbers & { readonly id: string })[];
  readonly gone: readonly string[];
}

export type SessionNumbers = Pick<SessionMessage, 'bytesIn' | 'bytesOut'>;
export type UploadNumbers = Pick<UploadMessage, 'bytes' | 'isFinishing' | 'expectedBytes'>;

/** The event `update`: what is different since the event before. What is missing has not changed. */
export interface UpdateMessage {
  readonly now: number;
  readonly sessions?: Changes<SessionMessage, SessionNumbers>;
  readonly uploads?: Changes<UploadMessage, UploadNumbers>;
  /** Those that are new, to be put before the others. */
  readonly ended?: readonly EndedMessage[];
  readonly jobs?: readonly JobMessage[];
  readonly buffer?: BufferMessage;
}
