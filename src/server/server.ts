import type { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { LiveSession, LiveUpload } from '../contract/activity.ts';
import type { ProbeResult } from '../contract/probe.ts';
import type { ServerEvents } from './events.ts';

/** A host key, as clients see it. */
export interface PublicHostKey {
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, ... */
  readonly type: string;
  /** As `ssh-keygen -l` prints it: `SHA256:...`. */
  readonly fingerprint: string;
  /** The line of a `.pub` file, without a comment: after the host's name it is one of `known_hosts`. */
  readonly publicLine: string;
}

/** Where to listen. */
export interface ListenOptions {
  /**
   * From 0 to 65,535; 0: any that is free.
   * @defaultValue 2222
   */
  readonly port?: number | undefined;
  /**
   * An address of this machine.
   * @defaultValue `0.0.0.0`: all of them
   */
  readonly host?: string | undefined;
}

/** How to end. */
export interface CloseOptions {
  /**
   * How many seconds uploads in progress may go on, from 0 to 86,400. Then what is open is aborted, and what is being finished is
   * answered, for ten seconds at most.
   * @defaultValue 60
   */
  readonly drainSeconds?: number | undefined;
}

/** An SFTP server in this process. It emits {@link ServerEvents}, and ends with `await using`. */
export interface SluiceServer extends EventEmitter<ServerEvents>, AsyncDisposable {
  readonly hostKeys: readonly PublicHostKey[];
  /**
   * Lets clients in. Whether the backend and the queue are there is not asked for: see {@link SluiceServer.probe}.
   * @throws OptionsError when an option is wrong; an Error with the `code` of Node when the address cannot be had (`EADDRINUSE`), or
   * when the server listens already or was closed.
   */
  listen(options?: ListenOptions): Promise<AddressInfo>;
  /** Where it listens; undefined before and after that. */
  address(): AddressInfo | undefined;
  /** Who is logged in at this moment, the oldest first. */
  sessions(): readonly LiveSession[];
  /** What is being uploaded at this moment, the oldest first. */
  uploads(): readonly LiveUpload[];
  /** Whether what the server stands on is there: by name, the backend (`bucket` in S3) and the queues. Never rejects. */
  probe(): Promise<ReadonlyMap<string, ProbeResult>>;
  /**
   * Lets nobody in, lets uploads in progress finish, ends every connection, and releases everything. Again, it gives the same
   * promise.
   * @throws OptionsError when an option is wrong.
   */
  close(options?: CloseOptions): Promise<void>;
}
