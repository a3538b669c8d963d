import type { Connection, Principal } from './context.ts';

/** A public key as it stands on the wire and in `authorized_keys` (RFC 4253, section 6.6). */
export interface PublicKey {
  /** The key type: `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, ... */
  readonly algorithm: string;
  readonly blob: Uint8Array;
}

export type Credentials =
  | { readonly method: 'password'; readonly username: string; readonly password: string }
  /** The SSH room has verified, or is about to verify, that the client holds the private key. */
  | { readonly method: 'publickey'; readonly username: string; readonly key: PublicKey };

/**
 * Decides who may come in. Answers `undefined` to whoever may not, after the same work for unknown users as
 * for wrong credentials; rejects only when its source cannot be asked.
 */
export interface Authenticator {
  authenticate(credentials: Credentials, connection: Connection): Promise<Principal | undefined>;
}
