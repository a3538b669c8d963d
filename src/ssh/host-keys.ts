import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import ssh2 from 'ssh2';
import { fingerprint } from '../keys/public-key.ts';

/** A private key that proves the server's identity. */
export interface HostKey {
  /** Where it came from, for messages. */
  readonly source: string;
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, ... */
  readonly type: string;
  /** As `ssh-keygen -l` prints it: `SHA256:...`. */
  readonly fingerprint: string;
  /** The line of the `.pub` file, without a comment. */
  readonly publicLine: string;
  /** PEM or OpenSSH format. */
  readonly privateKey: string;
}

/** A host key cannot be used; the message says which and why. */
export class HostKeyError extends Error {
  override name = 'HostKeyError';
}

/** Bits of a new RSA key: 128 bits of security until 2030 and beyond (NIST SP 800-57, table 2). */
const RSA_BITS = 3072;
const ECDSA_BITS = 256;

/** @throws HostKeyError when the text is no private key, or needs a passphrase. */
export function parseHostKey(text: string, source: string): HostKey {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw new HostKeyError(`${source} is not a usable private key: ${key.message}`);
  if (!key.isPrivateKey()) throw new HostKeyError(`${source} holds a public key; the private one is needed`);
  const blob = key.getPublicSSH();
  return {
    source,
    type: key.type,
    fingerprint: fingerprint({ blob }),
    publicLine: `${key.type} ${blob.toString('base64')}`,
    privateKey: text,
  };
}

/**
 * Reads every private key of a folder; `.pub` files and dot files are passed over.
 * @throws HostKeyError naming the folder or file that cannot be used.
 */
export async function loadHostKeys(folder: string): Promise<HostKey[]> {
  const names = await readdir(folder).catch((error: Error) => {
    throw new HostKeyError(`the folder of host keys cannot be read: ${error.message}`);
  });
  const files = names.filter((name) => !name.startsWith('.') && !name.endsWith('.pub')).sort();
  const keys = await Promise.all(
    files.map(async (name) => {
      const file = join(folder, name);
      const text = await readFile(file, 'utf8').catch((error: Error) => {
        throw new HostKeyError(`a host key cannot be read: ${error.message}`);
      });
      return parseHostKey(text, file);
    }),
  );
  if (keys.length === 0) {
    throw new HostKeyError(`there is no host key in ${folder}; make some with: sluice host-key ${folder}`);
  }
  return keys;
}

/**
 * Writes an ed25519, an ECDSA and an RSA key into a folder, private ones readable by their owner alone, under
 * the names that sshd uses.
 * @throws HostKeyError when a file is there already: a host key is never overwritten.
 */
export async function generateHostKeys(folder: string): Promise<HostKey[]> {
  const pairs = [
    generateKey(join(folder, 'ssh_host_ed25519_key'), () => ssh2.utils.generateKeyPairSync('ed25519')),
    generateKey(join(folder, 'ssh_host_ecdsa_key'), () =>
      ssh2.utils.generateKeyPairSync('ecdsa', { bits: ECDSA_BITS }),
    ),
    generateKey(join(folder, 'ssh_host_rsa_key'), () =>
      ssh2.utils.generateKeyPairSync('rsa', { bits: RSA_BITS }),
    ),
  ];
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const existing = await readdir(folder);
  const taken = pairs.map(({ source }) => basename(source)).filter((name) => existing.includes(name));
  if (taken.length > 0)
    throw new HostKeyError(`${folder} has ${taken.join(', ')} already; nothing was written`);
  for (const { source, privateKey, publicLine } of pairs) {
    await writeFile(source, privateKey, { mode: 0o600, flag: 'wx' });
    await writeFile(`${source}.pub`, `${publicLine}\n`, { mode: 0o644, flag: 'wx' });
  }
  return pairs;
}

/** A new ed25519 key, in OpenSSH's format. */
export function generateHostKeyText(): string {
  return generateKey('a new key', () => ssh2.utils.generateKeyPairSync('ed25519')).privateKey;
}

/** Attempts to make a key that can be read back; each fails in about one case of three hundred. */
const ATTEMPTS = 10;

/**
 * ssh2 drops leading zero bytes of some of the keys that it generates and cannot read these itself (mscdex/ssh2
 * issues 1390 and 1513), so a key counts once it has been read back.
 */
function generateKey(source: string, generate: () => { readonly private: string }): HostKey {
  for (let attempt = 1; ; attempt++) {
    try {
      return parseHostKey(generate().private, source);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
