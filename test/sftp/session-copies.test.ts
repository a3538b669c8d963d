import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { FileRange, StreamingBackend } from '../../src/contract/backend.ts';
import { withPermissions } from '../../src/layers/with-permissions.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { contentOf, SftpDriver } from '../support/sftp-driver.ts';
import { close, extended, Flag, str, UPLOAD, u64, write } from '../support/sftp-packets.ts';

const OK = 0;
const PERMISSION_DENIED = 3;
const FAILURE = 4;
const LONG = 'long '.repeat(100_000);

/** From a handle, its offset, a length, to a handle, its offset. */
type Copy = readonly [from: string, offset: number, length: number, to: string, at: number];

const copyData = (id: number, [from, offset, length, to, at]: Copy) =>
  extended(id, 'copy-data', str(from), u64(offset), u64(length), str(to), u64(at));

async function withFiles(wrap = (backend: StreamingBackend) => backend, permissions?: 'write'[]) {
  const backend = createMemoryBackend();
  for (const [path, content] of [
    ['/source', '0123456789'],
    ['/long', LONG],
  ] as const) {
    await backend.writeFile(createTestContext(), path, Buffer.from(content));
  }
  const principal = permissions === undefined ? {} : { permissions };
  const driver = await SftpDriver.started({ backend: wrap(backend), principal });
  const [source, long] = [await driver.open('/source', Flag.READ), await driver.open('/long', Flag.READ)];
  const target = await driver.open('/target', UPLOAD);
  return { backend, driver, source, long, target };
}

describe('copy-data (draft-ietf-secsh-filexfer-extensions-00, section 7)', () => {
  test.each([
    ['all of a file', 0, 0, 0, '0123456789'],
    ['a range', 2, 3, 0, '234'],
    ['all behind an offset', 7, 0, 0, '789'],
    ['what there is of a range past the end', 8, 100, 0, '89'],
    ['nothing from past the end', 11, 5, 0, ''],
    ['to behind a hole', 0, 2, 3, '\0\0\x0001'],
  ])('copies %s', async (_, offset, length, at, content) => {
    const { backend, driver, source, target } = await withFiles();
    expect(await driver.code((id) => copyData(id, [source, offset, length, target, at]))).toBe(OK);
    expect(await driver.code((id) => close(id, target))).toBe(OK);
    expect(await contentOf(backend, '/target')).toBe(content);
  });

  test('copies more than one read, and among what was written', async () => {
    const { backend, driver, long, target } = await withFiles();
    await driver.code((id) => write(id, target, 0, 'head'));
    expect(await driver.code((id) => copyData(id, [long, 0, 0, target, 4]))).toBe(OK);
    await driver.code((id) => write(id, target, 4 + LONG.length, 'tail'));
    await driver.code((id) => close(id, target));
    expect(await contentOf(backend, '/target')).toBe(`head${LONG}tail`);
  });

  test('copies what an upload of the same session has so far, if its handle may be read', async () => {
    const { backend, driver, target } = await withFiles();
    const written = await driver.open('/written', UPLOAD | Flag.READ);
    await driver.code((id) => write(id, written, 0, 'so far'));
    expect(await driver.code((id) => copyData(id, [written, 3, 0, target, 0]))).toBe(OK);
    await driver.code((id) => close(id, target));
    expect(await contentOf(backend, '/target')).toBe('far');
    const blind = await driver.open('/blind', UPLOAD);
    await driver.code((id) => write(id, blind, 0, 'x'));
    const other = await driver.open('/other', UPLOAD);
    expect(await driver.code((id) => copyData(id, [blind, 0, 0, other, 0]))).toBe(FAILURE);
  });

  test('refuses handles of the wrong kind and a file into itself, and the target lives on', async () => {
    const { backend, driver, source, target } = await withFiles();
    const itself = await driver.open('/source', UPLOAD);
    for (const copy of [
      [source, 0, 0, itself, 0],
      [source, 0, 0, source, 0],
      ['none', 0, 0, target, 0],
      [source, 0, 0, 'none', 0],
    ] as const) {
      expect(await driver.code((id) => copyData(id, copy))).toBe(FAILURE);
    }
    expect(await driver.code((id) => close(id, target))).toBe(OK);
    expect(await contentOf(backend, '/target')).toBe('');
  });

  test('leaves it to a store that can copy by itself, and what that refuses spoils the upload', async () => {
    const copies: [string, FileRange, number][] = [];
    const { driver, source, target } = await withFiles((memory) => ({
      ...memory,
      beginWrite: async (...args) =>
        Object.assign(await memory.beginWrite(...args), {
          copyChunk: async (...copy: [string, FileRange, number]) => {
            copies.push(copy);
            if (copies.length > 1) throw new Error('no');
          },
        }),
    }));
    expect(await driver.code((id) => copyData(id, [source, 1, 0, target, 5]))).toBe(OK);
    expect(copies).toMatchObject([['/source', { offset: 1, length: 9 }, 5]]);
    expect(await driver.code((id) => copyData(id, [source, 0, 0, target, 0]))).toBe(FAILURE);
    expect(await driver.code((id) => close(id, target))).toBe(FAILURE);
  });

  test('is denied to a principal that may not read', async () => {
    const { driver, source, target } = await withFiles(withPermissions, ['write']);
    expect(await driver.code((id) => copyData(id, [source, 0, 0, target, 0]))).toBe(PERMISSION_DENIED);
    expect(await driver.code((id) => close(id, target))).toBe(PERMISSION_DENIED);
  });
});
