import { parseAddressPatterns } from '../addresses/address-patterns.ts';
import { PublicKeyError } from './public-key.ts';

/** On which terms a key is accepted, as `AuthorizedKey` has them. */
export interface KeyOptions {
  readonly from: string | undefined;
  readonly expiresAt: Date | undefined;
  readonly requiresTouch: boolean;
  readonly requiresVerification: boolean;
}

export const EMPTY_OPTIONS: KeyOptions = {
  from: undefined,
  expiresAt: undefined,
  requiresTouch: true,
  requiresVerification: false,
};

/** What these forbid or narrow is not there, and what they allow is not either: no shell, no terminal, no forwarding. */
const WITHOUT_EFFECT: readonly string[] = [
  'restrict',
  ...['agent-forwarding', 'port-forwarding', 'x11-forwarding', 'pty', 'user-rc'].flatMap((name) => [
    name,
    `no-${name}`,
  ]),
  'permitopen',
  'permitlisten',
];

/** Who writes one of these relies on what it does, and would be let in without it. */
const NOT_KEPT: Readonly<Record<string, string>> = {
  command: 'no commands are run: say what they may do by "permissions" and where by "session"',
  'cert-authority': 'certificates are not accepted: list the keys themselves',
  principals: 'certificates are not accepted: list the keys themselves',
  environment: 'there is no environment to set: use "session"',
  tunnel: 'there are no tunnels',
};

const KNOWN = ['from', 'expiry-time', 'no-touch-required', 'verify-required', ...WITHOUT_EFFECT];

/** `YYYYMMDD` or `YYYYMMDDHHMM[SS]`, with `Z` for UTC. */
const TIME = /^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?(Z)?$/i;

/**
 * Parts what stands before the first blank that is not quoted from what follows it.
 * @throws PublicKeyError when a quote is not closed.
 */
export function splitOptions(line: string): { readonly options: string; readonly rest: string } {
  const [options = ''] = /^(?:"(?:\\"|[^"])*"|[^\s"])*/.exec(line) ?? [];
  const rest = line.slice(options.length);
  if (rest.startsWith('"')) throw new PublicKeyError('has a quote in its options that is not closed');
  return { options, rest: rest.trimStart() };
}

/**
 * Reads the options of a line (sshd(8), AUTHORIZED_KEYS FILE FORMAT): names without regard to case, values in double quotes, `\"` for a
 * quote in one, commas in between.
 * @throws PublicKeyError for one that is not known, or that would not be kept: it is never passed over.
 */
export function readOptions(text: string): KeyOptions {
  let options = EMPTY_OPTIONS;
  for (const [name, value] of toPairs(text)) {
    const reason = Object.hasOwn(NOT_KEPT, name) ? NOT_KEPT[name] : undefined;
    if (reason !== undefined) throw new PublicKeyError(`has the option ${name}=, and ${reason}`);
    if (!KNOWN.includes(name)) {
      throw new PublicKeyError(`has an option that is not known here; known are: ${KNOWN.join(', ')}`);
    }
    options = { ...options, ...toTerms(name, value, options) };
  }
  return options;
}

function toPairs(text: string): [name: string, value: string | undefined][] {
  const pairs = [...text.matchAll(/([\w-]+)(?:="((?:\\"|[^"])*)")?(,|$)/g)];
  const isWhole = pairs.map(([whole]) => whole).join('') === text && !text.endsWith(',');
  if (!isWhole)
    throw new PublicKeyError('has options that are not written as name="value", with commas in between');
  return pairs.map(([, name = '', value]) => [name.toLowerCase(), value?.replaceAll('\\"', '"')]);
}

function toTerms(name: string, value: string | undefined, before: KeyOptions): Partial<KeyOptions> {
  switch (name) {
    case 'no-touch-required':
      return { requiresTouch: false };
    case 'verify-required':
      return { requiresVerification: true };
    case 'from':
      if (before.from !== undefined) throw new PublicKeyError('has the option from= more than once');
      return { from: toPatterns(value) };
    case 'expiry-time': {
      const expiresAt = toTime(value);
      // The earliest counts, as for sshd.
      return { expiresAt: before.expiresAt && before.expiresAt < expiresAt ? before.expiresAt : expiresAt };
    }
    default:
      return {};
  }
}

function toPatterns(value: string | undefined): string {
  if (value !== undefined && parseAddressPatterns(value) !== undefined) return value;
  throw new PublicKeyError(
    'has a from= with something else than addresses: from="192.0.2.0/24,!192.0.2.7,2001:db8::*"; names of hosts are not looked up',
  );
}

function toTime(value: string | undefined): Date {
  const [, year, month, day, hours = '00', minutes = '00', seconds = '00', utc = ''] =
    TIME.exec(value ?? '') ?? [];
  const time = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}${utc.toUpperCase()}`);
  // February has no 30th: it would be one of March.
  const local = utc === '' ? time.getDate() : time.getUTCDate();
  if (Number.isNaN(time.getTime()) || local !== Number(day)) {
    throw new PublicKeyError(
      'has an expiry-time= that is no time: expiry-time="20271231" or "202712312359Z"',
    );
  }
  return time;
}
