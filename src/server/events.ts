import type { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ActivityListener, EndedUpload, LoginAttempt, SentJob } from '../contract/activity.ts';
import type { Connection, Principal } from '../contract/context.ts';
import type { Log } from '../contract/log.ts';
import type { StoredFile } from '../contract/types.ts';

/**
 * What a server tells, as it happens. Nobody waits for a listener: one that throws or rejects changes nothing for the client, and is
 * told by the log and by a warning of the process.
 */
export interface ServerEvents {
  /** Connections are accepted, at this address. */
  listening: [address: AddressInfo];
  /** A client has connected, and has said which software it is. Nobody has logged in yet. */
  connection: [connection: Connection];
  /** An attempt to log in was answered. */
  login: [attempt: LoginAttempt];
  /** A file was closed and is stored, its job is durable if it has one. The client is about to hear OK. */
  upload: [upload: FinishedUpload];
  /** An upload has come to nothing: it was refused, has failed, or ended without CLOSE. */
  uploadFailed: [upload: UnfinishedUpload];
  /** A job is durable, or has failed to be (`place` is `nowhere`). */
  job: [job: SentJob];
  /** The server has ended: no connection is left, and everything is released. */
  close: [];
}

/** An upload that has ended, however it did. */
export interface UploadRecord {
  /** That of its job. */
  readonly id: string;
  /** As the client named it: a normalised path. */
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  readonly principal: Principal;
  /** The connection that it came by. */
  readonly sessionId: string;
  readonly clientAddress: string;
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** Of its trace; undefined where nothing is traced. */
  readonly traceId: string | undefined;
}

/** An upload that a client has closed, and that is stored whole. */
export interface FinishedUpload extends UploadRecord {
  /** What the store says of the file: where it is, its checksum, its version, as far as the store has such. */
  readonly stored: StoredFile;
}

/** An upload that has left nothing behind. */
export interface UnfinishedUpload extends UploadRecord {
  /** POSIX; `ECONNABORTED` when it ended without CLOSE. */
  readonly code: string;
}

/** Tells all listeners of an event. Never throws. */
export type Tell = <K extends keyof ServerEvents>(event: K, ...args: ServerEvents[K]) => void;

/** Each listener by itself, so that one that throws keeps no other from hearing. */
export function createTell(emitter: EventEmitter<ServerEvents>, log: Log): Tell {
  const onFault = (event: string, error: unknown) => {
    const err = error instanceof Error ? error : new Error(String(error));
    log.error({ event, err }, 'a listener has failed');
    const warning = `a listener of "${event}" has failed: ${err.stack ?? err.message}`;
    process.emitWarning(warning, 'SluiceListenerWarning');
  };
  return (event, ...args) => {
    // Those of `once` are wrapped in what takes them off.
    for (const listener of (emitter as EventEmitter).rawListeners(event)) {
      try {
        const result: unknown = Reflect.apply(listener, emitter, args);
        if (result instanceof Promise) result.catch((error: unknown) => onFault(event, error));
      } catch (error) {
        onFault(event, error);
      }
    }
  };
}

/** What happens in the service, as events. */
export function toActivityListener(tell: Tell): ActivityListener {
  return {
    connected: (connection) => tell('connection', connection),
    loginAnswered: (attempt) => tell('login', attempt),
    uploadEnded: (ended) => {
      const { result, stored } = ended;
      if (stored === undefined) tell('uploadFailed', { ...toRecord(ended), code: result });
      else tell('upload', { ...toRecord(ended), stored });
    },
    jobSent: (job) => tell('job', job),
  };
}

function toRecord(ended: EndedUpload): UploadRecord {
  const { id, path, bytes, principal, sessionId, clientAddress, startedAt, endedAt, traceId } = ended;
  return { id, path, bytes, principal, sessionId, clientAddress, startedAt, endedAt, traceId };
}
