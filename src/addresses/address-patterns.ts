import { BlockList, isIP, isIPv6 } from 'node:net';
import { unmapped } from './unmapped.ts';

/** Text that only stands for addresses: no name of a host has nothing but these. */
const WILDCARD = /^[\da-fA-F.:*?]*[*?][\da-fA-F.:*?]*$/;

interface Pattern {
  readonly isNegated: boolean;
  readonly matches: (address: string) => boolean;
}

/**
 * Reads a pattern-list of addresses (ssh_config(5), PATTERNS): addresses, CIDRs, and addresses with `*` and `?` in them, with commas in
 * between; `!` in front of one keeps out who matches it, whatever else does. Undefined when one is something else: a name of a host would
 * have to be looked up, and is what its owner says it is.
 */
export function parseAddressPatterns(text: string): ((address: string) => boolean) | undefined {
  const patterns = text.split(',').map((part) => parsePattern(part.trim()));
  if (!patterns.every((pattern) => pattern !== undefined)) return undefined;
  return (address) => {
    const matching = patterns.filter(({ matches }) => matches(unmapped(address)));
    return matching.length > 0 && !matching.some(({ isNegated }) => isNegated);
  };
}

function parsePattern(text: string): Pattern | undefined {
  const isNegated = text.startsWith('!');
  const matches = parseMatch(isNegated ? text.slice(1) : text);
  return matches && { isNegated, matches };
}

function parseMatch(text: string): ((address: string) => boolean) | undefined {
  if (WILDCARD.test(text)) {
    const source = text.replaceAll('.', '\\.').replaceAll('?', '.').replaceAll('*', '.*');
    const expression = new RegExp(`^${source}$`, 'i');
    return (address) => expression.test(address);
  }
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  const longest = family === 4 ? 32 : 128;
  const length = bits === undefined ? longest : Number(bits);
  if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(String(bits ?? longest)) || length > longest) {
    return undefined;
  }
  const list = new BlockList();
  list.addSubnet(address, length, familyOf(address));
  return (candidate) => list.check(candidate, familyOf(candidate));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
