import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadBackendModule } from '../../src/backends/custom/load-module.ts';
import { openCustomBackend } from '../../src/backends/custom/open.ts';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import type { ManagedBackend } from '../../src/contract/backend-source.ts';
import { collectLog } from '../support/collect-log.ts';

/** Every operation, none of which does anything. */
const OPERATIONS = ['listDir', 'fileInfo', 'makeDir', 'delDir', 'delete', 'rename', 'readFile', 'writeFile'];
const BACKEND = `{ name: 'mine', ${OPERATIONS.map((name) => `async ${name}() {}`).join(', ')} }`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-modules-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function moduleOf(code: string, name = 'backend.mjs'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, code);
  return file;
}

const surroundings = { log: collectLog().log, memory: new MemoryBudget(1) };
const open = (source: Parameters<typeof openCustomBackend>[0], options?: unknown) =>
  openCustomBackend(source, { what: 'backend', options }, surroundings);

describe('a module', () => {
  test.each([
    ['init', `export const init = (options) => (${BACKEND});`],
    ['a default export with init', `export default { init: () => (${BACKEND}) };`],
    ['a backend as default', `export default ${BACKEND};`],
    ['a backend by that name', `export const backend = ${BACKEND};`],
  ])('may export %s', async (_, code) => {
    const source = await loadBackendModule(await moduleOf(code));
    expect((await open(source)).backend.name).toBe('mine');
  });

  test('may be CommonJS, or named by a URL', async () => {
    const file = await moduleOf(`module.exports = { init: () => (${BACKEND}) };`, 'backend.cjs');
    const source = await loadBackendModule(pathToFileURL(file).href);
    expect((await open(source)).backend.name).toBe('mine');
  });

  test('may be a package that is installed where the process runs', async () => {
    const home = join(folder, 'node_modules', 'my-backend');
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'package.json'), '{ "name": "my-backend", "main": "main.cjs" }');
    await writeFile(join(home, 'main.cjs'), `exports.backend = ${BACKEND};`);
    const before = process.cwd();
    process.chdir(folder);
    try {
      expect((await open(await loadBackendModule('my-backend'))).backend.name).toBe('mine');
    } finally {
      process.chdir(before);
    }
  });

  test('that is not there is refused by its name', async () => {
    await expect(loadBackendModule('./no-such-backend.js')).rejects.toThrow(
      /^the module \.\/no-such-backend\.js cannot be imported: /,
    );
    await expect(loadBackendModule('memroy')).rejects.toThrow(/^the module memroy cannot be imported: /);
  });

  test('that exports something else is told what would be right', async () => {
    const file = await moduleOf('export const start = () => undefined;');
    await expect(loadBackendModule(file)).rejects.toThrow(
      `the module ${file} has no backend (it exports start): export a function init(options, { log, memory }) that returns a backend, or a backend as default`,
    );
    await expect(loadBackendModule(await moduleOf('', 'empty.mjs'))).rejects.toThrow(/it exports nothing/);
  });

  test('whose backend lacks operations is told which', async () => {
    const file = await moduleOf("export default { name: 'mine', listDir() {}, readFile() {} };");
    await expect(loadBackendModule(file)).rejects.toThrow(
      /lacks fileInfo, makeDir, delDir, delete, rename, writeFile: an object with name, listDir,/,
    );
  });
});

describe('a factory', () => {
  test('is given its options, a log and the memory budget', async () => {
    const given: unknown[] = [];
    const init = (...all: unknown[]) => {
      given.push(...all);
      return createMemoryBackend();
    };
    await open({ init }, { root: '/srv' });
    expect(given).toEqual([{ root: '/srv' }, surroundings]);
  });

  test('that fails keeps the service from starting, with its reason', async () => {
    const init = async () => {
      throw new Error('no such disk');
    };
    await expect(open({ init })).rejects.toThrow('backend cannot be initialised: no such disk');
  });

  test('that returns no backend is told so', async () => {
    const init = () => ({ nothing: true }) as unknown as ManagedBackend;
    await expect(open({ init })).rejects.toThrow(/^what init of backend returns must be a backend: /);
  });
});

describe('a backend', () => {
  test('without a name is refused', async () => {
    await expect(open({ ...createMemoryBackend(), name: '' })).rejects.toThrow(/lacks its name/);
  });

  test('has its lifecycle called, and needs none', async () => {
    const calls: string[] = [];
    const managed: ManagedBackend = {
      ...createMemoryBackend(),
      start: () => void calls.push('start'),
      probe: async () => ({ state: 'degraded', message: 'one disk of two' }),
      close: () => void calls.push('close'),
    };
    const created = await open(managed);
    created.start();
    expect(await created.probe()).toEqual({ state: 'degraded', message: 'one disk of two' });
    await created.close();
    expect(calls).toEqual(['start', 'close']);

    const plain = await open(createMemoryBackend());
    plain.start();
    expect(await plain.probe()).toEqual({ state: 'ok' });
    await plain.close();
  });

  test('whose probe rejects is not reachable', async () => {
    const probe = () => Promise.reject(new Error('no route'));
    const created = await open({ ...createMemoryBackend(), probe });
    expect(await created.probe()).toEqual({
      state: 'unreachable',
      message: 'the memory backend: no route',
    });
  });
});
