import type { Connection, Principal, PrincipalLimits } from './context.ts';

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
  | {
      readonly method: 'publickey';
      readonly username: string;
      readonly key: PublicKey;
      /** Of a key in a FIDO authenticator, once it has signed; absent while the client only asks whether the key would do. */
      readonly securityKey?: SecurityKeyUse;
    };

/** What a FIDO authenticator says of the signature it has made (WebAuthn, section 6.1, flags; OpenSSH, PROTOCOL.u2f). */
export interface SecurityKeyUse {
  /** Somebody has touched it. */
  readonly userPresent: boolean;
  /** It knows, by PIN or fingerprint, who that was. */
  readonly userVerified: boolean;
}

/** By what somebody shows who they are. */
export type AuthenticationMethod = Credentials['method'];

/** What was shown is right, and not enough: one of these has to be shown too (RFC 4252, section 5.1, "partial success"). */
export interface FurtherProof {
  readonly next: readonly AuthenticationMethod[];
  /** Of whose proof it is: who may not come in at all is not told that a part of it was right. Those of the principal count in any case. */
  readonly limits?: PrincipalLimits;
}

/** What was shown is right, and they may not come in all the same. Clients hear what they hear of a wrong password. */
export interface Refusal {
  /** Why: a fixed sentence, for the log alone. */
  readonly refused: string;
}

/** Decides who may come in. */
export interface Authenticator {
  /**
   * Answers `undefined` to whoever may not come in, after the same work for unknown users as for wrong credentials. Rejects only
   * when its source cannot be asked: the client is refused then too, and the log has the reason. `proven` is what was right
   * before, on this connection and under this name.
   */
  authenticate(
    credentials: Credentials,
    connection: Connection,
    proven: ReadonlySet<AuthenticationMethod>,
  ): Promise<Principal | FurtherProof | undefined>;

  /**
   * Whether a security key may sign without anybody touching it (sshd(8), `no-touch-required`). Asked right after it was let in, and of
   * such signatures alone; when it is absent, none is accepted.
   */
  waivesTouch?(
    credentials: Extract<Credentials, { readonly method: 'publickey' }>,
    connection: Connection,
  ): boolean;
}

/** An {@link Authenticator} behind which somebody else has a say. */
export interface Gatekeeper extends Pick<Authenticator, 'waivesTouch'> {
  authenticate(
    ...asked: Parameters<Authenticator['authenticate']>
  ): Promise<Principal | FurtherProof | Refusal | undefined>;
}

/** Whether more has to be shown. */
export function isFurtherProof(answer: Principal | FurtherProof | Refusal): answer is FurtherProof {
  return Array.isArray((answer as Partial<FurtherProof>)?.next);
}

/** Whether they are kept out although what they have shown is right. */
export function isRefusal(answer: Principal | FurtherProof | Refusal): answer is Refusal {
  return 'refused' in answer;
}
