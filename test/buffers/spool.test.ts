import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Spool, type SpoolFile } from '../../src/buffers/spool.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-spool-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function opened(spool: Spool, bytes: number): Promise<SpoolFile> {
  const file = await spool.open(bytes);
  if (file === undefined) throw new Error('no room');
  return file;
}

describe('Spool', () => {
  test('gives room up to its limit, and again what was given back', async () => {
    const spool = new Spool(folder, 100);
    const [first, second] = [await opened(spool, 60), await opened(spool, 40)];
    expect(spool.usedBytes).toBe(100);
    expect(await spool.open(1)).toBeUndefined();
    await second.close();
    expect(spool.usedBytes).toBe(60);
    expect(await spool.open(41)).toBeUndefined();
    const third = await opened(spool, 40);
    await Promise.all([first.close(), third.close()]);
    expect(spool.usedBytes).toBe(0);
  });

  test('counts what is being opened: no more than the limit is given at once', async () => {
    const spool = new Spool(folder, 100);
    const files = await Promise.all([60, 60, 40].map((bytes) => spool.open(bytes)));
    expect(files.map((file) => file !== undefined)).toEqual([true, false, true]);
    for (const file of files) await file?.close();
  });

  test('has no file in its folder while one is used, nor afterwards', async () => {
    const file = await opened(new Spool(folder, 100), 100);
    await file.write(Buffer.from('secret'), 0);
    expect(await readdir(folder)).toEqual([]);
    const bytes = Buffer.alloc(6);
    await file.read(bytes, 0);
    expect(bytes.toString()).toBe('secret');
    await file.close();
    expect(await readdir(folder)).toEqual([]);
  });

  test('without its folder it gives no file, and takes no room for it', async () => {
    await rm(folder, { recursive: true });
    const spool = new Spool(folder, 100);
    expect(await spool.open(10)).toBeUndefined();
    expect(spool.usedBytes).toBe(0);
    await spool.probe();
    await (await opened(spool, 100)).close();
  });

  test('in a place where no file can be made it gives none, and the probe says why', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    const spool = new Spool(join(file, 'below'), 100);
    expect(await spool.open(10)).toBeUndefined();
    expect(spool.usedBytes).toBe(0);
    await expect(spool.probe()).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test('the probe makes the folder and leaves it empty', async () => {
    const below = join(folder, 'to', 'make');
    await new Spool(below, 100).probe();
    expect(await readdir(below)).toEqual([]);
  });
});

describe('a file of the spool', () => {
  test('holds what is written at any position, zeros between', async () => {
    const file = await opened(new Spool(folder, 100), 100);
    await file.write(Buffer.from('end'), 7);
    await file.write(Buffer.from('begin'), 0);
    const bytes = Buffer.alloc(10, 0xee);
    await file.read(bytes, 0);
    expect(bytes.toString()).toBe('begin\0\0end');
    await file.read(bytes.subarray(0, 2), 8);
    expect(bytes.toString()).toBe('ndgin\0\0end');
    await file.close();
  });

  test('rejects a read past its end, whatever of it is there', async () => {
    const file = await opened(new Spool(folder, 100), 100);
    await file.write(Buffer.from('12345'), 0);
    for (const position of [4, 5, 50]) {
      await expect(file.read(Buffer.alloc(2), position)).rejects.toThrow('shorter than what was written');
    }
    await file.close();
  });

  test('keeps its bytes apart from those of others', async () => {
    const spool = new Spool(folder, 100);
    const files = [await opened(spool, 10), await opened(spool, 10)];
    await Promise.all(files.map((file, index) => file.write(Buffer.from(`file ${index}`), 0)));
    for (const [index, file] of files.entries()) {
      const bytes = Buffer.alloc(6);
      await file.read(bytes, 0);
      expect(bytes.toString()).toBe(`file ${index}`);
      await file.close();
    }
  });
});
