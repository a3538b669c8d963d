import type { Connection, Principal } from './context.ts';

/** A public key as it stands on the wire and in `authorized_keys` (RFC 4253, section 6.6). */
export interface PublicKey {
  /** The key type: `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, ... */
  readonly algorithm: string;
  readonly blob: Uint8Array;
}

/** What a client offers to prove who it is (RFC 4252, sections 7 and 8). `username` and `password` are whatever it sends. */
export type Credentials =
  | { readonly method: 'password'; readonly username: string; readonly password: string }
  /** The SSH room has verified, or is about to verify, that the client holds the private key. */
  | { readonly method: 'publickey'; readonly username: string; readonly key: PublicKey };

/** Decides who may come in. */
export interface Authenticator {
  /**
   * Answers `undefined` to whoever may not come in, after the same work for unknown users as for wrong credentials. Rejects only
   * when its source cannot be asked: the client is refused then too, and the log has the reason.
   */
  authenticate(credentials: Credentials, connection: Connection): Promise<Principal | undefined>;
}
