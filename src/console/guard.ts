import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * On every answer. The page shows what strangers have typed: nothing but its own scripts runs in it, it cannot be framed,
 * and nothing of it goes elsewhere.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export interface Refusal {
  readonly status: number;
  readonly sentence: string;
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
const EVERY_ADDRESS = ['0.0.0.0', '::'];

/** A host as it stands in a URL. */
export function toUrlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * Whether a request names this console: somebody else's domain that is made to point here ("DNS rebinding") does not, so
 * no foreign page can read it. The port is left out of it: a tunnel may have another one.
 */
export function createHostCheck(host: string): (request: IncomingMessage) => Refusal | undefined {
  const own = toUrlHost(host).toLowerCase();
  const names = new Set(isLoopback(host) ? [...LOOPBACK, own] : [own, 'localhost']);
  const isAllowed = (name: string) =>
    names.has(name) ||
    // An address cannot be made to point elsewhere.
    (EVERY_ADDRESS.includes(host) && isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0);
  const advice = EVERY_ADDRESS.includes(host)
    ? 'open it by its IP address, or name the host that you use in SLUICE_CONSOLE'
    : `open it as ${[...names].join(' or ')}, or name the host that you use in SLUICE_CONSOLE`;
  return ({ headers }) => {
    const name = (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
    if (isAllowed(name)) return undefined;
    return { status: 421, sentence: `This console does not go by that host name: ${advice}.` };
  };
}

/** Another site may link to the page, but has no business with its data. */
export function refuseForeign({ headers }: IncomingMessage): Refusal | undefined {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  return { status: 403, sentence: 'This is for the console itself, not for other sites.' };
}
