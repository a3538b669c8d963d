import { expect } from 'vitest';
import type { Fact } from '../fact.ts';
import type { Wire } from '../wire.ts';

const AT_ONCE = 32;

export async function putAll(wire: Wire, names: readonly string[]): Promise<void> {
  for (let at = 0; at < names.length; at += AT_ONCE) {
    await Promise.all(names.slice(at, at + AT_ONCE).map((name) => wire.put(name, '')));
  }
}

export const listingFacts: readonly Fact<Wire>[] = [
  {
    name: '1,205 keys and directories are listed in pages of a thousand, in order, each once',
    run: async (wire) => {
      const number = (index: number) => String(index).padStart(4, '0');
      const keys = Array.from({ length: 1200 }, (_, index) => `file-${number(index)}`);
      const directories = ['dir-a/', 'dir-b/', 'file-0500d/', 'file-1150d/', 'z/'];
      await putAll(wire, [...keys, ...directories.flatMap((name) => [`${name}1`, `${name}2/3`])]);
      const pages = await wire.listPages({ Delimiter: '/' });
      expect(pages.map((page) => page.keys.length + page.directories.length)).toEqual([1000, 205]);
      expect(pages.flatMap((page) => page.keys)).toEqual(keys);
      expect(pages.flatMap((page) => page.directories)).toEqual(directories);
    },
  },
  {
    name: 'keys come in the order of their UTF-8 bytes',
    run: async (wire) => {
      const names = ['a', 'B', 'c/d', 'c d', 'c.d', 'c0', 'ä', 'z', '\uffee', '🎉'];
      await putAll(wire, names);
      const sorted = names.map((name) => Buffer.from(name)).sort(Buffer.compare);
      expect(await wire.names()).toEqual(sorted.map(String));
    },
  },
  {
    name: 'a listing goes on behind the key that its caller names, whether or not that is there',
    run: async (wire) => {
      await putAll(wire, ['a', 'c', 'd']);
      const pages = await wire.listPages({ StartAfter: wire.key('b') });
      expect(pages.flatMap(({ keys }) => keys)).toEqual(['c', 'd']);
    },
  },
  {
    name: 'a page of one entry tells whether there is a second',
    run: async (wire) => {
      await putAll(wire, ['dir/a', 'dir/b']);
      expect(await wire.listPages({ MaxKeys: 1 })).toEqual([
        { keys: ['dir/a'], directories: [] },
        { keys: ['dir/b'], directories: [] },
      ]);
      expect(await wire.listPages({ MaxKeys: 1, Delimiter: '/' })).toEqual([
        { keys: [], directories: ['dir/'] },
      ]);
    },
  },
  {
    name: 'an object whose name ends in a slash is a key of its own',
    run: async (wire) => {
      await putAll(wire, ['dir/', 'dir/a']);
      expect(await wire.names()).toEqual(['dir/', 'dir/a']);
      expect(await wire.listPages({ Delimiter: '/' })).toEqual([{ keys: [], directories: ['dir/'] }]);
      await wire.delete('dir/');
      expect(await wire.names()).toEqual(['dir/a']);
    },
  },
];
