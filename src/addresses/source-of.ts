import { isIPv6, SocketAddress } from 'node:net';
import { unmapped } from './unmapped.ts';

/** Of IPv6, whoever has a network has all its addresses. */
const IPV6_PREFIX_GROUPS = 4;

/** Who an address belongs to, as far as anybody can tell. */
export function sourceOf(address: string): string {
  const plain = unmapped(address);
  if (!isIPv6(plain)) return plain;
  return toGroups(plain).slice(0, IPV6_PREFIX_GROUPS).join(':');
}

/** All eight groups of an IPv6 address, without leading zeros. */
function toGroups(address: string): string[] {
  const plain = new SocketAddress({ address: address.replace(/%.*$/, ''), family: 'ipv6' }).address;
  const [head = '', tail] = plain.split('::');
  const split = (part: string) => (part === '' ? [] : part.split(':'));
  const [before, after] = [split(head), split(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(zeros).fill('0'), ...after];
}
