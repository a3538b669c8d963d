import { describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { type DirectoryEntry, directoryInfo, fileInfo } from '../../src/contract/types.ts';
import { DirectoryReader } from '../../src/sftp/directory-reader.ts';

const entries = (...names: readonly string[]): DirectoryEntry[] =>
  names.map((name) => ({ ...fileInfo(1), name }));

const numbered = (count: number, from = 0) =>
  entries(...Array.from({ length: count }, (_, index) => `f${from + index}`));

/** Pages, how many of them were asked for, and whether the store was let go. */
function pagesOf(...pages: readonly (readonly DirectoryEntry[] | Error)[]) {
  const seen = { asked: 0, released: false };
  async function* generate(): AsyncGenerator<readonly DirectoryEntry[]> {
    try {
      for (const page of pages) {
        seen.asked += 1;
        if (page instanceof Error) throw page;
        yield page;
      }
    } finally {
      seen.released = true;
    }
  }
  return { pages: generate(), seen };
}

const names = (batch: readonly DirectoryEntry[]) => batch.map(({ name }) => name);

describe('DirectoryReader', () => {
  test('gives . and .. first, then every entry in order, then nothing for ever', async () => {
    const { pages } = pagesOf(entries('a', 'b'), entries('c'));
    const reader = new DirectoryReader(pages);
    await reader.open();
    expect(names(await reader.next(3))).toEqual(['.', '..', 'a']);
    expect(names(await reader.next(3))).toEqual(['b']);
    expect(names(await reader.next(3))).toEqual(['c']);
    expect(await reader.next(3)).toEqual([]);
    expect(await reader.next(3)).toEqual([]);
  });

  test('. has the attributes of the directory itself', async () => {
    const { pages } = pagesOf();
    const reader = new DirectoryReader(pages, { ...directoryInfo(77), mode: 0o700 });
    const batch = await reader.next(10);
    expect(batch).toEqual([
      { ...directoryInfo(77), mode: 0o700, name: '.' },
      { ...directoryInfo(77), name: '..' },
    ]);
  });

  test('never gives more than it is asked for, nor loses any', async () => {
    for (const limit of [1, 2, 7, 64, 5000]) {
      const { pages } = pagesOf(numbered(1000), numbered(3, 1000), numbered(500, 1003));
      const reader = new DirectoryReader(pages);
      const given: string[] = [];
      for (let batch = await reader.next(limit); batch.length > 0; batch = await reader.next(limit)) {
        expect(batch.length).toBeLessThanOrEqual(limit);
        given.push(...names(batch));
      }
      expect(given).toEqual(['.', '..', ...names(numbered(1503))]);
    }
  });

  test('an empty page is no end', async () => {
    const { pages } = pagesOf([], entries('a'), [], [], entries('b'), []);
    const reader = new DirectoryReader(pages);
    expect(names(await reader.next(10))).toEqual(['.', '..']);
    expect(names(await reader.next(10))).toEqual(['a']);
    expect(names(await reader.next(10))).toEqual(['b']);
    expect(await reader.next(10)).toEqual([]);
  });

  test('asks for a page only when the one before is used up', async () => {
    const { pages, seen } = pagesOf(numbered(10), numbered(10, 10));
    const reader = new DirectoryReader(pages);
    await reader.open();
    expect(seen.asked).toBe(1);
    await reader.next(11);
    expect([seen.asked, reader.hasReady]).toEqual([1, true]);
    await reader.next(11);
    expect([seen.asked, reader.hasReady]).toEqual([1, false]);
    await reader.next(1);
    expect([seen.asked, reader.hasReady]).toEqual([2, true]);
  });

  test('a missing directory is known when it is opened', async () => {
    const { pages } = pagesOf(new FsError('ENOENT', 'no such directory'));
    await expect(new DirectoryReader(pages).open()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a page that fails rejects the batch that needs it', async () => {
    const { pages } = pagesOf(entries('a'), new FsError('EIO', 'no'));
    const reader = new DirectoryReader(pages);
    await reader.open();
    expect(names(await reader.next(10))).toEqual(['.', '..', 'a']);
    await expect(reader.next(10)).rejects.toMatchObject({ code: 'EIO' });
  });

  test('lets go of the listing when it is closed half way', async () => {
    const { pages, seen } = pagesOf(entries('a'), entries('b'));
    const reader = new DirectoryReader(pages);
    await reader.open();
    await reader.close();
    expect([seen.asked, seen.released]).toEqual([1, true]);
    expect(await reader.next(10)).toEqual([]);
    await reader.close();
  });

  test('closes a listing that has nothing to let go', async () => {
    const plain = {
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) as const }),
    };
    const reader = new DirectoryReader(plain);
    await reader.open();
    await reader.close();
    expect(reader.hasReady).toBe(true);
  });
});
