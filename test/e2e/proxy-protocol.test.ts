import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import ssh2, { type SFTPWrapper } from 'ssh2';
import { afterEach, describe, expect, test } from 'vitest';
import { answer, settled } from '../clients/ssh2-client.ts';
import { startHeaderProxy } from '../support/header-proxy.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { LOCAL_HEADER, proxyHeaderFrom } from '../support/proxy-header.ts';
import { type Service, sftp, startService } from '../support/service.ts';
import { shareService } from '../support/shared-service.ts';
import { createWorkspace, USERNAME } from '../support/workspace.ts';

const HEADER = proxyHeaderFrom('192.0.2.7', 54_321);

const shared = shareService({ SLUICE_PROXY_PROTOCOL: 'v2', SLUICE_LOG_LEVEL: 'debug' });

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A load balancer before a service, which says this of each connection. */
async function proxied(header: Buffer, { port }: Service = shared.service) {
  const proxy = await startHeaderProxy(port, header);
  endings.push(() => proxy.close());
  return proxy;
}

/** A further service, with variables of its own. */
async function start(env: Readonly<Record<string, string>>): Promise<Service> {
  const service = await startService({ ...shared.around.env, SLUICE_PROXY_PROTOCOL: 'v2', ...env });
  endings.push(() => service.stop());
  return service;
}

/** A bare connection that begins with these bytes; resolves with all that came once it is over. */
function begin({ port }: Service, bytes: Buffer | string): { socket: Socket; ended: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  endings.push(async () => socket.destroy());
  socket.write(bytes);
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', () => undefined);
  return { socket, ended: new Promise((resolve) => socket.once('close', () => resolve(received))) };
}

/** The lines of one connection's log, once it is over. */
async function linesOf(sessionId: unknown, service = shared.service): Promise<Record<string, unknown>[]> {
  await service.log((line) => line['msg'] === 'disconnected' && line['sessionId'] === sessionId);
  const lines = service.running.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return lines.filter((line) => line['sessionId'] === sessionId);
}

const refusals = ({ running }: Service) =>
  running.lines.filter((line) => line.includes('connection refused'));

describe('behind a load balancer', () => {
  test.each([
    ['192.0.2.7', 'over-ipv4'],
    ['2001:db8::7', 'over-ipv6'],
  ] as const)(
    'an upload by sftp is one from %s: in its job and in every line of the log',
    async (address, name) => {
      const bytes = await shared.localFile(name, 100_000);
      const proxy = await proxied(proxyHeaderFrom(address, 54_321));
      const { workspace } = shared.around;
      expect(await sftp(proxy, workspace, [`put ${shared.local(name)} /${name}`])).toMatchObject({ code: 0 });
      expect(shared.stored(name)?.equals(bytes)).toBe(true);
      expect((await shared.around.job(`/${name}`)).data.clientAddress).toBe(address);
      const { sessionId } = await shared.service.log(
        ({ msg, path }) => msg === 'upload finished' && path === `/${name}`,
      );
      const lines = await linesOf(sessionId);
      expect(lines.map(({ msg }) => msg)).toEqual(
        expect.arrayContaining(['connected', 'authenticated', 'upload finished', 'disconnected']),
      );
      expect(new Set(lines.map(({ sourceIp }) => sourceIp))).toEqual(new Set([address]));
    },
  );

  test('its spans are of the client, and what is refused is counted', async () => {
    const receiver = await startOtlpReceiver();
    endings.push(() => receiver.close());
    const service = await startService({
      ...shared.around.env,
      SLUICE_PROXY_PROTOCOL: 'v2',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    });
    await shared.localFile('traced', 10);
    const proxy = await proxied(HEADER, service);
    await sftp(proxy, shared.around.workspace, [`put ${shared.local('traced')} /traced`]);
    await begin(service, 'SSH-2.0-direct\r\n').ended;
    expect(await service.stop()).toMatchObject({ code: 0 });
    const client = { 'client.address': '192.0.2.7', 'client.port': 54_321 };
    expect(receiver.spans.find(({ name }) => name === 'sluice.upload')?.attributes).toMatchObject(client);
    const logins = receiver.spans.filter(({ name }) => name === 'ssh.login');
    expect(logins.map(({ attributes }) => attributes)).toMatchObject([
      { ...client, 'sluice.outcome': 'logged_in' },
      { 'client.address': '127.0.0.1', 'sluice.outcome': 'no_client' },
    ]);
    const counted = receiver.metrics.findLast(({ name }) => name === 'sluice.connections')?.points;
    expect(counted?.map(({ attributes, value }) => [attributes['sluice.outcome'], value])).toEqual([
      ['logged_in', 1],
      ['no_client', 1],
    ]);
  });

  test('what comes in the same packet as the header is not lost', async () => {
    const glued = Buffer.concat([HEADER, Buffer.from('SSH-2.0-Glued_1.0\r\n')]);
    begin(shared.service, glued);
    const line = await shared.service.log(({ client }) => client === 'Glued_1.0');
    expect(line).toMatchObject({ msg: 'connected', sourceIp: '192.0.2.7' });
  });

  test('its own connections are served, from its own address', async () => {
    const proxy = await proxied(LOCAL_HEADER);
    expect(await sftp(proxy, shared.around.workspace, ['mkdir /local'])).toMatchObject({ code: 0 });
    const { sessionId } = await shared.service.log(({ path }) => path === '/local');
    const addresses = (await linesOf(sessionId)).map(({ sourceIp }) => sourceIp);
    expect(new Set(addresses)).toEqual(new Set(['127.0.0.1']));
  });

  test('its health checks over TCP leave no line that says something is wrong', async () => {
    const before = shared.service.running.lines.length;
    for (const bytes of [LOCAL_HEADER, Buffer.alloc(0)]) {
      const { socket, ended } = begin(shared.service, bytes);
      socket.end();
      await ended;
    }
    // Comes after them in the log.
    const proxy = await proxied(HEADER);
    await sftp(proxy, shared.around.workspace, ['mkdir /checked']);
    await shared.service.log(({ path }) => path === '/checked');
    const lines = shared.service.running.lines.slice(before).map((line) => JSON.parse(line));
    expect(lines.filter(({ sourceIp }) => sourceIp !== '192.0.2.7')).toEqual([]);
  });

  test.each([
    ['with a header', LOCAL_HEADER],
    ['without one', Buffer.alloc(0)],
  ])('its health checks over HTTP are answered %s', async (_, header) => {
    const request = Buffer.from('GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    const health = { ...shared.service, port: shared.service.healthPort };
    expect(await begin(health, Buffer.concat([header, request])).ended).toContain('200 OK');
  });
});

describe('a connection is refused', () => {
  test('that has no header: neither is it told anything', async () => {
    const { code, stderr } = await sftp(shared.service, shared.around.workspace, ['pwd']);
    expect([code, stderr]).toEqual([255, expect.stringContaining('onnection')]);
    expect(await begin(shared.service, 'SSH-2.0-direct\r\n').ended).toBe('');
    await shared.service.log(
      ({ msg, sourceIp }) =>
        msg === 'connection refused: it does not begin with a PROXY v2 header' && sourceIp === '127.0.0.1',
    );
  });

  test('that sends half a header and is silent', async () => {
    expect(await begin(shared.service, HEADER.subarray(0, 20)).ended).toBe('');
    await shared.service.log(({ msg }) => msg === 'connection refused: no PROXY header came in time');
  });

  test('that does not come from a trusted proxy, whatever it claims', async () => {
    const service = await start({ SLUICE_PROXY_TRUSTED: '192.0.2.0/24,10.0.0.0/8' });
    for (let attempt = 0; attempt < 5; attempt++) expect(await begin(service, HEADER).ended).toBe('');
    await service.stop();
    expect(refusals(service)).toHaveLength(1);
    expect(refusals(service)[0]).toContain('not from a trusted proxy (SLUICE_PROXY_TRUSTED)');
  });

  test('those without a header take no place from those with one, and have their time to log in at most', async () => {
    const service = await start({ SLUICE_MAX_SESSIONS: '2', SLUICE_LOGIN_GRACE_SECONDS: '2' });
    const silent = [begin(service, ''), begin(service, HEADER.subarray(0, 20))];
    await Promise.all(silent.map(({ socket }) => once(socket, 'connect')));
    const proxy = await proxied(HEADER, service);
    expect((await sftp(proxy, shared.around.workspace, ['pwd'])).code).toBe(0);
    expect(await Promise.all(silent.map(({ ended }) => ended))).toEqual(['', '']);
    await service.stop();
    expect(service.logged('no login in time').map(({ sourceIp }) => sourceIp)).toEqual(['127.0.0.1']);
  });
});

describe('two tenants that claim one address and port at the same time', () => {
  interface Login {
    readonly sftp: SFTPWrapper;
    put(path: string, bytes: Buffer): Promise<void>;
    end(): Promise<unknown>;
  }

  async function login(sock: Socket, username: string, identity: string): Promise<Login> {
    const client = new ssh2.Client();
    const privateKey = await readFile(identity);
    const ready = once(client, 'ready');
    client.connect({ sock, username, privateKey });
    await ready;
    const sftp = await answer<SFTPWrapper>((done) => client.sftp(done));
    return {
      sftp,
      put: (path, bytes) => settled((done) => sftp.writeFile(path, bytes, done)),
      end: () => {
        const closed = once(client, 'close');
        client.end();
        return closed;
      },
    };
  }

  test('are not mixed up', async () => {
    const other = await createWorkspace();
    endings.push(() => other.remove());
    const { around } = shared;
    const [acme] = JSON.parse(await readFile(around.workspace.usersFile, 'utf8')).users;
    const [stranger] = JSON.parse(await readFile(other.usersFile, 'utf8')).users;
    const globex = { ...stranger, username: 'globex', session: { prefix: 'tenants/globex/' } };
    await writeFile(other.usersFile, JSON.stringify({ users: [acme, globex] }));
    const service = await start({ SLUICE_USERS_FILE: other.usersFile });
    const proxy = await proxied(HEADER, service);

    // Both are there before either has said anything, and the later one is the first to speak.
    const [first, second] = [connect(proxy.port, '127.0.0.1'), connect(proxy.port, '127.0.0.1')];
    await Promise.all([once(first, 'readable'), once(second, 'readable')]);
    const ofGlobex = await login(second, 'globex', other.identity);
    const ofAcme = await login(first, USERNAME, around.workspace.identity);
    await Promise.all([
      ofAcme.put('/from-acme', Buffer.alloc(50_000)),
      ofGlobex.put('/from-globex', Buffer.alloc(5)),
    ]);
    await ofGlobex.end();
    const { sessionId: globexSession } = await service.log(({ path }) => path === '/from-globex');
    const { sessionId: acmeSession } = await service.log(({ path }) => path === '/from-acme');
    const globexLines = await linesOf(globexSession, service);
    expect(service.logged('disconnected')).toHaveLength(1);
    await ofAcme.put('/still-there', Buffer.alloc(5));
    await ofAcme.end();
    const acmeLines = await linesOf(acmeSession, service);

    const users = (lines: Record<string, unknown>[]) => new Set(lines.flatMap(({ user }) => user ?? []));
    expect([users(acmeLines), users(globexLines)]).toEqual([new Set([USERNAME]), new Set(['globex'])]);
    expect(acmeLines.at(-1)?.['bytesIn']).toBeGreaterThan(50_000);
    expect(globexLines.at(-1)?.['bytesIn']).toBeLessThan(50_000);
    const jobs = await Promise.all(
      ['/from-acme', '/from-globex', '/still-there'].map((path) => around.job(path)),
    );
    expect(jobs.map(({ data }) => [data.key, data.username, data.clientAddress])).toEqual([
      ['tenants/acme/from-acme', USERNAME, '192.0.2.7'],
      ['tenants/globex/from-globex', 'globex', '192.0.2.7'],
      ['tenants/acme/still-there', USERNAME, '192.0.2.7'],
    ]);
  });
});
