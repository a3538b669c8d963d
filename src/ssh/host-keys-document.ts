import { parseJson } from '../contract/json.ts';
import { type HostKey, HostKeyError, parseHostKey } from './host-keys.ts';

/**
 * Reads host keys that stand in one text, as a secret holds them: a JSON object, in which each private key has a name.
 * Names that end in `.pub` are passed over, as in a folder. `source` says in messages where the text comes from.
 * @throws AggregateError of a HostKeyError for each key that cannot be used. None shows anything of a key.
 */
export function parseHostKeysDocument(text: string, source: string): HostKey[] {
  const entries = Object.entries(readObject(text, source)).filter(([name]) => !name.endsWith('.pub'));
  if (entries.length === 0) throw new HostKeyError(`${source}: there is no host key in it`);
  const keys: HostKey[] = [];
  const faults: unknown[] = [];
  for (const [name, key] of entries) {
    try {
      keys.push(readKey(key, `${source}: "${name}"`));
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0) throw new AggregateError(faults);
  return keys;
}

function readObject(text: string, source: string): object {
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    throw new HostKeyError(`${source}: ${(error as Error).message}`);
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new HostKeyError(
    `${source}: must be a JSON object of private keys by name: {"ssh_host_ed25519_key": "..."}`,
  );
}

function readKey(key: unknown, source: string): HostKey {
  if (typeof key !== 'string') throw new HostKeyError(`${source} must be the text of a private key`);
  return parseHostKey(key, source);
}
