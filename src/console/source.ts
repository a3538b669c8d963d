import type { EndedUpload, LiveSession, LiveUpload, RecordedTrace, SentJob } from '../contract/activity.ts';

/** What the head of the page tells. */
export interface About {
  readonly service: string;
  readonly version: string;
  readonly backend: string;
  readonly startedAt: Date;
}

/** All that the console shows, read when it is needed: nothing here changes the service. */
export interface ConsoleSource {
  readonly about: About;
  sessions(): readonly LiveSession[];
  uploads(): readonly LiveUpload[];
  /** Newest first, as many as are kept. */
  ended(): readonly EndedUpload[];
  /** Newest first, as many as are kept. */
  jobs(): readonly SentJob[];
  /** Undefined when nothing of it was recorded, or it is not kept any more. */
  trace(traceId: string): RecordedTrace | undefined;
  /** Of the memory budget. */
  buffer(): { readonly usedBytes: number; readonly limitBytes: number };
  /** Calls the listener after an upload has ended or a job was sent; returns what stops that. */
  onChange(listener: () => void): () => void;
}
