import type { IncomingMessage } from 'node:http';
import type { Feature } from './store.ts';

const CHECKSUM_HEADER = /^x-amz-(checksum-(?!mode)|sdk-checksum-|trailer$)/;
const WRITE_CONDITION = /^if-(none-)?match$/;

/** A store that lacks a feature does not know its headers, and ignores them as it does every header it does not know. */
export function dropUnknownHeaders({ method, headers }: IncomingMessage, lacks: ReadonlySet<Feature>): void {
  const isRead = method === 'GET' || method === 'HEAD';
  for (const name of Object.keys(headers)) {
    const isDropped =
      (lacks.has('checksums') && CHECKSUM_HEADER.test(name)) ||
      (lacks.has('conditional-writes') && !isRead && WRITE_CONDITION.test(name));
    if (isDropped) delete headers[name];
  }
}
