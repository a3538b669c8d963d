import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createProxiedClientFinder } from '../../src/ssh/find-client.ts';
import type { Endpoint } from '../../src/ssh/proxy-protocol.ts';
import { collectLog, type LogLine } from '../support/collect-log.ts';
import { LOCAL_HEADER, proxyHeader, proxyHeaderFrom } from '../support/proxy-header.ts';

const UNSPECIFIED = proxyHeader('21 00', Buffer.alloc(0));

let server: Server;
let client: Socket;
let accepted: Socket;
let lines: LogLine[];

beforeEach(async () => {
  lines = [];
  server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = once(server, 'connection');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  [accepted] = await connection;
});
afterEach(() => {
  client.destroy();
  accepted.destroy();
  server.close();
});

/** The client that is found, or undefined once the connection is destroyed instead. */
function find(
  trusted: readonly string[],
  address: string,
  first?: Buffer,
  timeoutMs?: number,
): Promise<Endpoint | undefined> {
  const findClient = createProxiedClientFinder(trusted, collectLog(lines).log, timeoutMs);
  if (first !== undefined) client.write(first);
  return new Promise((resolve) => {
    accepted.once('close', () => resolve(undefined));
    findClient(accepted, { address, port: 5000 }, resolve);
  });
}

describe('the client of a connection', () => {
  test('is who the proxy says', async () => {
    const header = proxyHeaderFrom('2001:db8::7', 40_000);
    expect(await find(['10.0.0.0/8'], '10.1.2.3', header)).toEqual({ address: '2001:db8::7', port: 40_000 });
  });

  test.each([
    ['its own', LOCAL_HEADER],
    ['of nobody that it names', UNSPECIFIED],
  ])('is the proxy, when the connection is %s', async (_, header) => {
    expect(await find(['10.0.0.0/8'], '10.1.2.3', header)).toEqual({ address: '10.1.2.3', port: 5000 });
    expect(lines).toEqual([]);
  });
});

describe('a trusted proxy', () => {
  test.each([
    ['10.255.0.1', '10.0.0.0/8'],
    ['::ffff:10.255.0.1', '10.0.0.0/8'],
    ['192.0.2.7', '192.0.2.7/32'],
    ['fd12::1', 'fc00::/7'],
    ['2001:db8:0:12::1', '2001:db8::/56'],
    ['203.0.113.1', '0.0.0.0/0'],
  ])('may be %s by %s', async (address, subnet) => {
    expect(await find(['198.51.100.0/24', subnet], address, LOCAL_HEADER)).toBeDefined();
  });

  test.each([
    ['11.0.0.1', '10.0.0.0/8'],
    ['::ffff:11.0.0.1', '10.0.0.0/8'],
    ['2001:db8:1::1', '2001:db8::/56'],
    ['::a00:1', '10.0.0.0/8'],
  ])('is not %s by %s: what it says is not even read', async (address, subnet) => {
    expect(await find([subnet], address, proxyHeaderFrom('192.0.2.7', 1))).toBeUndefined();
    expect(accepted.bytesRead).toBe(0);
    expect(lines).toEqual([
      {
        level: 'warn',
        message: 'connection refused: not from a trusted proxy (SLUICE_PROXY_TRUSTED)',
        fields: { sourceIp: address },
      },
    ]);
  });
});

describe('a connection is refused, and the log says why,', () => {
  test.each([
    [
      'that begins with something else',
      Buffer.from('SSH-2.0-x\r\n'),
      'it does not begin with a PROXY v2 header',
    ],
    ['that begins with nothing', Buffer.alloc(0), 'no PROXY header came in time'],
    ['that stops in mid-header', LOCAL_HEADER.subarray(0, 15), 'no PROXY header came in time'],
  ])('%s', async (_, first, why) => {
    expect(await find(['10.0.0.0/8'], '10.1.2.3', first, 200)).toBeUndefined();
    expect(lines).toEqual([
      { level: 'warn', message: `connection refused: ${why}`, fields: { sourceIp: '10.1.2.3' } },
    ]);
  });

  test('except where it ends by itself: a look whether the port is open', async () => {
    client.end();
    expect(await find(['10.0.0.0/8'], '10.1.2.3')).toBeUndefined();
    expect(lines).toEqual([]);
  });
});
