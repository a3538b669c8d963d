import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Fact } from '../fact.ts';
import type { Transfer } from '../transfer.ts';
import { crc32Of, MiB, outcome } from '../wire.ts';

const SIZES: readonly (readonly [name: string, bytes: number])[] = [
  ['0 B', 0],
  ['1 B', 1],
  ['5 MiB', 5 * MiB],
  ['5 MiB and a byte', 5 * MiB + 1],
  ['20 MiB', 20 * MiB],
];

export const transferFacts: readonly Fact<Transfer>[] = [
  ...SIZES.map(([title, size]) => ({
    name: `a file of ${title} goes up and comes back byte for byte`,
    run: async (on: Transfer) => {
      const bytes = await on.write(`up-${size}`, size);
      await on.session(`put ${on.local(`up-${size}`)} /${size}`, `get /${size} ${on.local(`down-${size}`)}`);
      await on.expectStored(`${size}`, bytes);
      await on.expectLocal(`down-${size}`, bytes);
    },
  })),
  {
    name: 'S3 tells the CRC32 of the whole of what went up, in one request or in parts, and no upload stays open',
    run: async (on) => {
      for (const size of [100, 11 * MiB]) {
        const bytes = await on.write('checked', size);
        await on.session(`put ${on.local('checked')} /checked`);
        const { ChecksumCRC32, ChecksumType } = await on.wire.head('checked');
        expect({ ChecksumCRC32, ChecksumType }).toEqual({
          ...{ ChecksumCRC32: crc32Of(bytes), ChecksumType: 'FULL_OBJECT' },
        });
        expect(await on.wire.openUploads('checked')).toEqual([]);
      }
    },
  },
  {
    name: 'ls -l shows size and name of files, and directories as such',
    run: async (on) => {
      await on.write('small', 1234);
      await on.session('mkdir /listed', 'mkdir /listed/dir', `put ${on.local('small')} /listed/file`);
      const listing = await on.session('ls -l /listed');
      expect(listing).toMatch(/^-rw-r--r-- +1 acme +acme +1234 \w{3} [ \d]\d \d\d:\d\d .*file$/m);
      expect(listing).toMatch(/^drwxr-xr-x .* .*dir$/m);
    },
  },
  {
    name: 'an empty directory is there until it is removed, and one that holds a file is not removed',
    run: async (on) => {
      await on.write('one', 1);
      await on.session('mkdir /dir', 'ls /dir', `put ${on.local('one')} /dir/file`);
      expect(await on.refusal('rmdir /dir')).toContain('Failure');
      await on.session('rm /dir/file', 'ls /dir', 'rmdir /dir');
      expect(await on.refusal('ls /dir')).toContain('not found');
      expect(await on.stored('dir')).toEqual([]);
    },
  },
  {
    name: 'rename of a file, small or of several parts, moves its bytes and leaves nothing behind',
    run: async (on) => {
      for (const size of [10, 11 * MiB]) {
        const bytes = await on.write('moved', size);
        await on.session(`put ${on.local('moved')} /from`, `rename /from /to-${size}`);
        await on.expectStored(`to-${size}`, bytes);
        expect(await outcome(on.wire.head('from'))).toBe('404 NotFound');
      }
    },
  },
  {
    name: 'rename of a directory moves all that lies below it',
    run: async (on) => {
      const names = ['a', 'b/c', 'b/d/e f', 'ü'];
      for (const name of names) await on.wire.put(`before/${name}`, `content of ${name}`);
      await on.session('rename /before /after');
      expect(await on.stored('before')).toEqual([]);
      for (const name of names) expect(await on.wire.text(`after/${name}`)).toBe(`content of ${name}`);
      expect(await on.session('ls /after/b/d')).toContain('e f');
    },
  },
  {
    name: 'rm removes a file, and says so when there is none',
    run: async (on) => {
      await on.wire.put('removed', 'x');
      await on.session('rm /removed');
      expect(await outcome(on.wire.head('removed'))).toBe('404 NotFound');
      expect(await on.refusal('rm /removed')).toContain('No such file');
    },
  },
  {
    name: 'a second put replaces the first, longer one, all of it',
    run: async (on) => {
      await on.write('long', 6 * MiB);
      const short = await on.write('short', 100);
      await on.session(`put ${on.local('long')} /again`, `put ${on.local('short')} /again`);
      await on.expectStored('again', short);
    },
  },
  {
    name: 'reput and put -a go on where an earlier upload stopped',
    run: async (on) => {
      for (const command of ['reput', 'put -a']) {
        const bytes = await on.write('whole', 7 * MiB);
        await on.write('begun', bytes.subarray(0, 2_500_000));
        await on.session(`put ${on.local('begun')} /resumed`, `${command} ${on.local('whole')} /resumed`);
        await on.expectStored('resumed', bytes);
      }
    },
  },
  {
    name: 'reget goes on where an earlier download stopped',
    run: async (on) => {
      const bytes = randomBytes(3 * MiB);
      await on.wire.put('object', bytes);
      await on.write('partial', bytes.subarray(0, MiB));
      await on.session(`reget /object ${on.local('partial')}`);
      await on.expectLocal('partial', bytes);
    },
  },
  {
    name: 'put -r of a tree arrives whole, get -r brings it back',
    run: async (on) => {
      const tree = { 'a.txt': 10, 'b/c.bin': 70_000, 'b/d/e f.txt': 1, 'b/d/ümläut.txt': 300_000, empty: 0 };
      const contents: [string, Buffer][] = [];
      for (const [name, size] of Object.entries(tree)) {
        contents.push([name, await on.write(`tree/${name}`, size)]);
      }
      await on.session('mkdir /tree', `put -r ${on.local('tree')}/. /tree`);
      await on.session(`get -r /tree ${on.local('back')}`);
      for (const [name, bytes] of contents) {
        await on.expectStored(`tree/${name}`, bytes);
        await on.expectLocal(`back/${name}`, bytes);
      }
    },
  },
  {
    name: 'what S3 holds besides is out of reach by any spelling',
    run: async (on) => {
      await on.write('stolen', 0);
      for (const path of ['/../secret', '../../secret', '/x/../../secret']) {
        expect(await on.refusal(`get ${path} ${on.local('stolen')}`)).toContain('not found');
      }
    },
  },
];
