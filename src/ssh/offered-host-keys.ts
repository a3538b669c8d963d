import ssh2, { type EncryptedPrivateKey, type ParsedKey } from 'ssh2';
import type { Algorithms } from './algorithms.ts';
import type { HostKey } from './host-keys.ts';

/** How a host key of RSA signs (RFC 8332), best first. */
const RSA_ALGORITHMS = ['rsa-sha2-512', 'rsa-sha2-256'] as const;

/**
 * Host keys as ssh2 is to have them. For a key of type `ssh-rsa` it would offer that algorithm too, signatures by SHA-1, whatever it
 * is told to offer (docs/adr/0001-ssh2.md); a client that knows the server by its RSA key may then choose it, although
 * it has better ones. So unless that is offered such a key is given once for each algorithm that it may be used with, as a key of
 * that type.
 */
export function toOfferedHostKeys(
  keys: readonly HostKey[],
  { serverHostKey }: Pick<Algorithms, 'serverHostKey'>,
): EncryptedPrivateKey[] {
  return keys.flatMap(({ privateKey }) => {
    const key = ssh2.utils.parseKey(privateKey);
    if (key instanceof Error) throw key;
    const isSplit = key.type === 'ssh-rsa' && !serverHostKey.includes('ssh-rsa');
    const offered = isSplit ? RSA_ALGORITHMS.map((type) => withType(key, type)) : [key];
    return offered.map((key) => ({ key }));
  });
}

function withType(key: ParsedKey, type: string): ParsedKey {
  return Object.create(key, { type: { value: type } }) as ParsedKey;
}
