import type { ServerConfig } from 'ssh2';

type Ssh2Algorithms = NonNullable<ServerConfig['algorithms']>;

/** Which clients are served: those of today, or those too that know nothing better than SHA-1. */
export type AlgorithmPolicy = 'modern' | 'compatible';

/** What is offered, best first, by the names that clients and servers tell each other (RFC 4253, section 7.1). */
export interface Algorithms {
  readonly kex: readonly string[];
  readonly serverHostKey: readonly string[];
  readonly cipher: readonly string[];
  readonly hmac: readonly string[];
}

/** Against who records today to decrypt with a quantum computer (docs/adr/0022). ssh2 does not know it: see post-quantum. */
export const MLKEM768_X25519 = 'mlkem768x25519-sha256';

/**
 * Nothing with SHA-1 or CBC. OpenSSH since 6.5 (2014), PuTTY since 0.68, WinSCP, paramiko, JSch (mwiede) and Apache MINA all find
 * something here. GCM comes before ChaCha20, because it is cheaper in Node; a client's own order decides all the same (RFC 4253,
 * section 7.1).
 */
const MODERN: Algorithms = {
  kex: [
    MLKEM768_X25519,
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
    'diffie-hellman-group14-sha256',
  ],
  serverHostKey: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
};

/**
 * With SHA-1 where TransferSecurityPolicy-2018-11 of AWS Transfer Family has it: who is served there is served here. No CBC
 * (CVE-2008-5161), DSA, MD5, RC4 or groups of 1,024 bits, as there.
 */
const COMPATIBLE: Algorithms = {
  kex: [...MODERN.kex, 'diffie-hellman-group14-sha1'],
  serverHostKey: [...MODERN.serverHostKey, 'ssh-rsa'],
  cipher: MODERN.cipher,
  hmac: [...MODERN.hmac, 'hmac-sha1-etm@openssh.com', 'hmac-sha1'],
};

export const ALGORITHMS: Readonly<Record<AlgorithmPolicy, Algorithms>> = {
  modern: MODERN,
  compatible: COMPATIBLE,
};

/** As ssh2 is to be told: what it knows itself, and no compression, which is work that a client may ask for before it has logged in. */
export function toSsh2Algorithms({ kex, serverHostKey, cipher, hmac }: Algorithms): Ssh2Algorithms {
  return {
    kex: kex.filter((name) => name !== MLKEM768_X25519),
    serverHostKey: [...serverHostKey],
    cipher: [...cipher],
    hmac: [...hmac],
    compress: ['none'],
  } as Ssh2Algorithms;
}
