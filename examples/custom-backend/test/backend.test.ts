import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import type { Backend, Upload, WriteOptions } from 'sluice';
import { createTestContext } from 'sluice/testing';
import { init } from '../src/index.ts';
import { type FileStore, startFileStore } from '../store/server.ts';

const MiB = 1024 * 1024;
const REPLACE: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };
const inSpace = (space: string, signal?: AbortSignal) =>
  createTestContext({ principal: { session: { space } }, ...(signal && { signal }) });
const acme = inSpace('acme');
const bytes = new TextEncoder().encode('content');

/** Requests in the order of their arrival; those of `method` are held until `release` once `hold` is called. */
class Gate {
  readonly requests: string[] = [];
  #held: string | undefined;
  #arrived = new EventTarget();
  #release: () => void = () => undefined;
  #open: Promise<void> = Promise.resolve();

  /** Resolves when such a request has arrived, which then waits. */
  async hold(method: string): Promise<void> {
    this.#held = method;
    this.#open = new Promise((resolve) => {
      this.#release = resolve;
    });
    await once(this.#arrived, 'request');
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }

  readonly pass = async ({ method = '', url = '' }: IncomingMessage): Promise<void> => {
    this.requests.push(`${method} ${url.split('?')[0]}`);
    if (method !== this.#held) return;
    this.#arrived.dispatchEvent(new Event('request'));
    await this.#open;
  };
}

let gate: Gate;
let store: FileStore;
let backend: Backend;

beforeEach(async () => {
  gate = new Gate();
  store = await startFileStore({ token: 'secret-token', onRequest: gate.pass });
  backend = init({ url: store.url, token: 'secret-token' });
});
afterEach(async () => {
  gate.release();
  await store.close();
});

async function begin(context = acme): Promise<Upload> {
  assert.ok(backend.beginWrite);
  return await backend.beginWrite(context, '/file', REPLACE);
}

test('each user sees the space of the session, and nothing of another', async () => {
  await backend.writeFile(acme, '/file', bytes);
  assert.deepEqual(await backend.readFile(acme, '/file'), bytes);
  await assert.rejects(backend.readFile(inSpace('other'), '/file'), { code: 'ENOENT' });
  await assert.rejects(backend.readFile(inSpace('../acme'), '/file'), { code: 'ENOENT' });
});

test('a user without a space may do nothing', async () => {
  const nobody = createTestContext();
  await assert.rejects(backend.readFile(nobody, '/file'), { code: 'EACCES' });
  await assert.rejects(begin(nobody), { code: 'EACCES' });
  assert.deepEqual(gate.requests, []);
});

test('writes go up in pieces of 1 MiB, and wait while one is on its way', async () => {
  const upload = await begin();
  const held = gate.hold('PATCH');
  let hasRoom = false;
  const writing = (async () => {
    for (let offset = 0; offset < MiB; offset += 32768) {
      await upload.writeChunk(offset, new Uint8Array(32768));
    }
    hasRoom = true;
  })();
  await held;
  assert.equal(hasRoom, false);
  gate.release();
  await writing;
  await upload.writeChunk(MiB, new Uint8Array(3 * MiB));
  assert.equal((await upload.finishWrite()).size, 4 * MiB);
  assert.equal(gate.requests.filter((request) => request.startsWith('PATCH')).length, 4);
  assert.equal((await backend.fileInfo(acme, '/file')).size, 4 * MiB);
});

test('an API that does not answer in time is ETIMEDOUT', async () => {
  const hasty = init({ url: store.url, token: 'secret-token', timeoutMs: 50 });
  void gate.hold('GET');
  await assert.rejects(hasty.readFile(acme, '/file'), { code: 'ETIMEDOUT', path: '/file' });
});

test('what nobody waits for any more is ECANCELED, but for finishWrite, which comes to its end', async () => {
  const gone = new AbortController();
  const context = inSpace('acme', gone.signal);
  const upload = await begin(context);
  await upload.writeChunk(0, bytes);
  await upload.sync();
  const held = gate.hold('GET');
  const reading = assert.rejects(backend.readFile(context, '/file'), { code: 'ECANCELED' });
  await held;
  gone.abort();
  await reading;
  gate.release();
  await upload.finishWrite();
  assert.deepEqual(await backend.readFile(acme, '/file'), bytes);
});

test('an upload that is aborted after its client has gone is forgotten by the API', async () => {
  const gone = new AbortController();
  const upload = await begin(inSpace('acme', gone.signal));
  await upload.writeChunk(0, bytes);
  assert.equal(store.space('acme').uploads.count, 1);
  gone.abort();
  await upload.abortWrite();
  assert.equal(store.space('acme').uploads.count, 0);
});

test('a piece that was lost keeps the file from being stored', async () => {
  const upload = await begin();
  await upload.writeChunk(0, bytes);
  store.goAway();
  await assert.rejects(upload.sync(), { code: 'EIO' });
  store.comeBack();
  await assert.rejects(async () => upload.writeChunk(7, bytes), { code: 'EIO' });
  await assert.rejects(upload.finishWrite(), { code: 'EIO' });
  await assert.rejects(backend.fileInfo(acme, '/file'), { code: 'ENOENT' });
  assert.equal(store.space('acme').uploads.count, 0);
});

test('a token that is refused is EIO, and is not told', async () => {
  const stranger = init({ url: store.url, token: 'wrong-token' });
  await assert.rejects(stranger.readFile(acme, '/file'), (error: Error & { code: string }) => {
    assert.equal(error.code, 'EIO');
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /token/);
    return true;
  });
});

test('readiness is that of the API', async () => {
  const watched = init({ url: store.url, token: 'secret-token' });
  assert.deepEqual(await watched.probe(), { state: 'ok' });
  store.goAway();
  await assert.rejects(watched.probe(), { code: 'EIO' });
});

test('all that is wrong with the options is told at once', () => {
  const wrong = { url: 'ftp://store', token: 7, timeoutMs: 0, retries: 3 };
  assert.throws(() => init(wrong as never), {
    message:
      'retries: is no such option; url: must be an http(s) URL; token: must be a text; ' +
      'timeoutMs: must be a whole number from 1 to 600000',
  });
  assert.throws(() => init(undefined as never), { message: 'url: must be an http(s) URL' });
});
