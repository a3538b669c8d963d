import type { Socket } from 'node:net';
import { matchSubnets } from '../addresses/subnets.ts';
import type { Log } from '../contract/log.ts';
import type { Endpoint } from './proxy-protocol.ts';
import { createRefusalLog } from './refusal-log.ts';
import { HEADER_TIMEOUT_MS, takeProxyHeader } from './take-proxy-header.ts';

/**
 * Tells whose connection it is that `peer` has made, once it is known: the one place where that is decided. What the client
 * has sent is still to be read from the socket then. A connection of nobody is destroyed instead.
 */
export type FindClient = (socket: Socket, peer: Endpoint, onFound: (client: Endpoint) => void) => void;

/** Who connects is the client. */
export const findDirectClient: FindClient = (_socket, peer, onFound) => onFound(peer);

/**
 * Who connects is one of the `trusted` proxies (CIDRs), and says for whom in a PROXY header; the proxy itself is the
 * client of a connection that is its own, and of one for which it names nobody. No other connections are taken: neither others'
 * nor such without a header, or everybody could claim every address (section 2 of the specification).
 */
export function createProxiedClientFinder(
  trusted: readonly string[],
  log: Log,
  timeoutMs = HEADER_TIMEOUT_MS,
): FindClient {
  const isProxy = matchSubnets(trusted);
  const refused = createRefusalLog(log);
  return (socket, peer, onFound) => {
    const refuse = (why: string) => {
      refused(why, peer.address);
      socket.destroy();
    };
    if (!isProxy(peer.address)) {
      return refuse('connection refused: not from a trusted proxy (SLUICE_PROXY_TRUSTED)');
    }
    takeProxyHeader(socket, timeoutMs, (taken) => {
      if (taken === 'late') refuse('connection refused: no PROXY header came in time');
      else if (taken === 'malformed') refuse('connection refused: it does not begin with a PROXY v2 header');
      else onFound(taken.source ?? peer);
    });
  };
}
