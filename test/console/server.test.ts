import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Console, startConsole } from '../../src/console/server.ts';
import { ask } from '../support/event-stream.ts';
import { BUILT_PAGE } from '../support/page-folder.ts';
import { aSpan, ScriptedSource } from '../support/scripted-source.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

const source = new ScriptedSource();
const sites: Console[] = [];

async function start(host: string): Promise<Console> {
  const site = await startConsole({ host, port: 0, source, pageFolder: BUILT_PAGE });
  sites.push(site);
  return site;
}

let site: Console;

beforeAll(async () => {
  site = await start('127.0.0.1');
});
afterAll(() => Promise.all(sites.map((each) => each.close())));

describe('every answer', () => {
  test.each(['/', '/main.js', '/api/traces/x', `/api/traces/${TRACE_ID}`, '/nothing'])(
    '%s is closed to others',
    async (path) => {
      const { headers } = await ask(site.url, path);
      expect(headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    },
  );
});

describe('the files of the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/main.js', 'text/javascript; charset=utf-8', 'import'],
    ['/style.css', 'text/css; charset=utf-8', ':root'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('%s is %s', async (path, type, start) => {
    const { status, headers, body } = await ask(site.url, path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe(type);
    expect(body.startsWith(start)).toBe(true);
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
  });

  test('are not sent again to those who have them', async () => {
    const { headers } = await ask(site.url, '/main.js');
    const again = await ask(site.url, '/main.js', { headers: { 'if-none-match': headers.etag ?? '' } });
    expect(again).toMatchObject({ status: 304, body: '' });
  });

  test.each([
    '/tsconfig.json',
    '/main.ts',
    '/main.js.map',
    '/../server.js',
    '/%2e%2e/server.js',
    '//etc/passwd',
  ])('%s is none of them', async (path) => {
    expect(await ask(site.url, path)).toMatchObject({
      status: 404,
      body: 'There is nothing by that name.\n',
    });
  });

  test('name nothing outside of this server', async () => {
    const page = await ask(site.url, '/');
    const sources = [...page.body.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, target]) => target ?? '');
    expect(sources.length).toBeGreaterThan(3);
    for (const target of sources) {
      expect(target).toMatch(/^\/[a-z.]+$/);
      expect((await ask(site.url, target)).body).not.toMatch(/@import|url\(|https?:\/\/(?!www\.w3\.org\/)/);
    }
  });
});

describe('requests', () => {
  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    '%s is refused: there is nothing to change',
    async (method) => {
      expect(await ask(site.url, '/', { method })).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
        body: 'The console only shows things: GET and HEAD are all it takes.\n',
      });
    },
  );

  test.each(['/', '/events'])('HEAD of %s is answered without a body, at once', async (path) => {
    expect(await ask(site.url, path, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  test.each(['/events', `/api/traces/${TRACE_ID}`])('another site has no business with %s', async (path) => {
    for (const from of ['cross-site', 'same-site']) {
      const headers = { 'sec-fetch-site': from };
      expect(await ask(site.url, path, { headers })).toMatchObject({ status: 403 });
    }
  });

  test('another site may link to the page', async () => {
    expect(await ask(site.url, '/', { headers: { 'sec-fetch-site': 'cross-site' } })).toMatchObject({
      status: 200,
    });
  });
});

describe('a trace', () => {
  test('is told as it was recorded', async () => {
    const trace = { spans: [aSpan({ spanId: 'a', attributes: { 'sluice.path': '/<b>' } })], leftOut: 3 };
    source.traces.set(TRACE_ID, trace);
    const { status, headers, body } = await ask(site.url, `/api/traces/${TRACE_ID}`);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(JSON.parse(body)).toEqual(trace);
  });

  test('that is not kept is not found', async () => {
    const { status, body } = await ask(site.url, `/api/traces/${'0'.repeat(32)}`);
    expect(status).toBe(404);
    expect(JSON.parse(body)).toEqual({ error: 'This trace was not recorded, or is not kept any more.' });
  });
});

describe('the Host header', () => {
  const statusFor = async (console: Console, host: string) =>
    (await ask(`http://127.0.0.1:${console.port}`, '/', { headers: { host } })).status;

  test.each(['127.0.0.1', 'localhost', 'LOCALHOST:9999', '[::1]:9090'])(
    'may be %s on loopback',
    async (host) => {
      expect(await statusFor(site, host)).toBe(200);
    },
  );

  test.each([
    'evil.example',
    'evil.example:9090',
    '127.0.0.1.evil.example',
    '192.0.2.1',
    'localhost.',
    '[::2]',
  ])('may not be "%s" on loopback', async (host) => {
    expect(await statusFor(site, host)).toBe(421);
  });

  test('is refused with a sentence that says what to do', async () => {
    expect((await ask(site.url, '/events', { headers: { host: 'evil.example' } })).body).toBe(
      'This console does not go by that host name: open it as 127.0.0.1 or localhost or [::1], or name the host that you use in SLUICE_CONSOLE.\n',
    );
  });

  test('may be any address, but no foreign name, where it listens on all of them', async () => {
    const open = await start('0.0.0.0');
    for (const host of ['192.0.2.1:9090', '[2001:db8::1]', 'localhost', '0.0.0.0']) {
      expect(await statusFor(open, host)).toBe(200);
    }
    expect(await statusFor(open, 'evil.example')).toBe(421);
  });
});

test('a port that is taken is an error', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  await expect(
    startConsole({ host: '127.0.0.1', port, source, pageFolder: BUILT_PAGE }),
  ).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  taken.close();
});

test('a page that has not been built is an error that says so', async () => {
  const pageFolder = await mkdtemp(join(tmpdir(), 'sluice-page-'));
  await expect(startConsole({ host: '127.0.0.1', port: 0, source, pageFolder })).rejects.toThrow(
    'npm run build',
  );
  await rm(pageFolder, { recursive: true });
});
