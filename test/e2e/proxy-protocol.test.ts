import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Ssh2Client } from '../clients/ssh2-client.ts';
import { type HeaderProxy, startHeaderProxy } from '../support/header-proxy.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { LOCAL_HEADER, proxyHeaderFrom } from '../support/proxy-header.ts';
import { sftp, startService } from '../support/service.ts';
import { shareService } from '../support/shared-service.ts';
import { createWorkspace } from '../support/workspace.ts';

const shared = shareService({
  SLUICE_PROXY_PROTOCOL: 'v2',
  SLUICE_LOG_LEVEL: 'debug',
  OTEL_METRICS_EXPORTER: 'prometheus',
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function proxied(header: Buffer): Promise<HeaderProxy> {
  const proxy = await startHeaderProxy(shared.service.port, header);
  open.push(proxy);
  return proxy;
}

/** A connection to the service itself; resolves with all that came once it is over. */
function direct(port: number, ...first: readonly Buffer[]): { socket: Socket; ended: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  for (const bytes of first) socket.write(bytes);
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => undefined);
  return { socket, ended: new Promise((resolve) => socket.once('close', () => resolve(received))) };
}

describe('behind a load balancer', () => {
  test.each([
    ['192.0.2.7', 'over-ipv4'],
    ['2001:db8::7', 'over-ipv6'],
  ] as const)(
    'an upload by sftp is one from %s: in its job and in every line of the log',
    async (address, name) => {
      const bytes = await shared.localFile(name, 100_000);
      const proxy = await proxied(proxyHeaderFrom(address, 54_321));
      const { around } = shared;
      expect(await sftp(proxy, around.workspace, [`put ${shared.local(name)} /${name}`])).toMatchObject({
        code: 0,
      });
      expect(shared.stored(name)?.equals(bytes)).toBe(true);
      expect((await around.job(`/${name}`)).data.clientAddress).toBe(address);
      const finished = await shared.service.log(
        ({ msg, path }) => msg === 'upload finished' && path === `/${name}`,
      );
      const { sessionId } = finished;
      await shared.service.log((line) => line['msg'] === 'disconnected' && line['sessionId'] === sessionId);
      const lines = shared.service.running.lines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => line['sessionId'] === sessionId);
      expect(lines.map(({ msg }) => msg)).toEqual(
        expect.arrayContaining(['connected', 'authenticated', 'upload finished', 'disconnected']),
      );
      expect(new Set(lines.map(({ sourceIp }) => sourceIp))).toEqual(new Set([address]));
    },
  );
});
