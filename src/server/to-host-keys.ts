import { type HostKey, HostKeyError, loadHostKeys, parseHostKey } from '../ssh/host-keys.ts';
import type { HostKeySource, ServerOptions } from './options.ts';
import { OptionsError } from './options-error.ts';

const RIGHT =
  'must be the text of a private key, { folder }, or an array of these; make one with generateHostKey()';

/** @throws OptionsError naming each key that cannot be used. */
export async function toHostKeys(given: ServerOptions['hostKeys']): Promise<HostKey[]> {
  const sources: readonly HostKeySource[] = Array.isArray(given) ? given : [given as HostKeySource];
  if (given === undefined || sources.length === 0) throw new OptionsError([`hostKeys: ${RIGHT}`]);
  const read = await Promise.allSettled(
    sources.map((source, index) => readKeys(source, `hostKeys[${index}]`)),
  );
  const faults = read.flatMap((keys) => (keys.status === 'rejected' ? [toFault(keys.reason)] : []));
  if (faults.length > 0) throw new OptionsError(faults);
  return read.flatMap((keys) => (keys.status === 'fulfilled' ? keys.value : []));
}

async function readKeys(source: HostKeySource, name: string): Promise<HostKey[]> {
  if (typeof source === 'string') return [parseHostKey(source, `${name}:`)];
  if (typeof source?.folder !== 'string') throw new HostKeyError(`${name}: ${RIGHT}`);
  try {
    return await loadHostKeys(source.folder);
  } catch (error) {
    throw error instanceof HostKeyError ? new HostKeyError(`${name}: ${error.message}`) : error;
  }
}

/** @throws what is no fault of a key. */
function toFault(error: unknown): string {
  if (error instanceof HostKeyError) return error.message;
  throw error;
}
