import { describe, expect, test } from 'vitest';
import { gated, KiB, MiB, patterned, readerOf } from '../support/scripted-reader.ts';
import { isSettled, turn } from '../support/sftp-driver.ts';

describe('sequential reads', () => {
  test('are few fetches that double up to 4 MiB, each byte fetched once', async () => {
    const { reader, fetched, memory, expectRead } = readerOf(patterned(20 * MiB));
    for (let at = 0; at < 20 * MiB; at += 32 * KiB) await expectRead(at, 32 * KiB);
    expect(fetched).toEqual([
      '0+64',
      '64+128',
      '192+256',
      '448+512',
      '960+1024',
      '1984+2048',
      '4032+4096',
      '8128+4096',
      '12224+4096',
      '16320+4096',
      '20416+64',
    ]);
    expect(memory.mostReservedBytes).toBe(8 * MiB);
    expect(await reader.read(20 * MiB, 32 * KiB)).toHaveLength(0);
  });

  test('are fetched into memory that is used again', async () => {
    const { used, expectRead } = readerOf(patterned(40 * MiB));
    for (let at = 0; at < 40 * MiB; at += 32 * KiB) await expectRead(at, 32 * KiB);
    const largest = used.filter(({ length }) => length === 4 * MiB);
    expect(largest).toHaveLength(9);
    expect(new Set(largest.map(({ buffer }) => buffer)).size).toBe(2);
  });

  test('that had to wait keep their bytes whatever is read next, the others until then', async () => {
    const content = patterned(20 * MiB);
    const { reader } = readerOf(content);
    const kept: { readonly at: number; readonly bytes: Uint8Array }[] = [];
    for (let at = 0; at < 20 * MiB; at += 32 * KiB) {
      const bytes = reader.read(at, 32 * KiB);
      if (bytes instanceof Promise) kept.push({ at, bytes: await bytes });
    }
    expect(kept.length).toBeGreaterThan(5);
    for (const { at, bytes } of kept) expect(content.subarray(at, at + 32 * KiB).equals(bytes)).toBe(true);
  });

  test('fetch the next window as soon as they are known to be sequential, before it is asked for', async () => {
    const { reader, fetched, expectRead } = readerOf(patterned(MiB));
    await expectRead(0, 10 * KiB);
    expect(fetched).toEqual(['0+64']);
    await expectRead(10 * KiB, 10 * KiB);
    expect(fetched).toEqual(['0+64', '64+128']);
    await turn();
    await expectRead(20 * KiB, 64 * KiB);
    expect(fetched).toEqual(['0+64', '64+128', '192+256']);
    expect(reader.read(84 * KiB, 10 * KiB)).toBeInstanceOf(Uint8Array);
  });

  test('longer than the first windows are fetched as they come, with the next one beside them', async () => {
    const { script, gate } = gated();
    const { reader, fetched } = readerOf(patterned(2 * MiB), script);
    const first = reader.read(0, 255 * KiB);
    expect(fetched).toEqual(['0+255']);
    gate(0).resolve();
    await first;
    void reader.read(255 * KiB, 255 * KiB);
    expect(fetched).toEqual(['0+255', '255+510', '765+1020']);
  });

  test('that find the bytes there get them without a promise', async () => {
    const { reader, expectRead } = readerOf(patterned(MiB));
    expect(reader.read(0, KiB)).toBeInstanceOf(Promise);
    await expectRead(0, KiB);
    expect(reader.read(KiB, 63 * KiB)).toBeInstanceOf(Uint8Array);
    expect(reader.read(63 * KiB, KiB)).toBeInstanceOf(Uint8Array);
    expect(reader.read(63 * KiB, KiB + 1)).toBeInstanceOf(Promise);
  });

  test('wait for a window that is still being fetched ahead, and fetch nothing themselves', async () => {
    const { script, gate } = gated();
    const { reader, fetched, expectRead } = readerOf(patterned(MiB), script);
    const first = expectRead(0, 32 * KiB);
    gate(0).resolve();
    await first;
    await expectRead(32 * KiB, 32 * KiB);
    const waiting = reader.read(64 * KiB, 32 * KiB) as Promise<Uint8Array>;
    expect(await isSettled(waiting)).toBe(false);
    expect(fetched).toEqual(['0+64', '64+128', '192+256']);
    gate(1).resolve();
    expect(await waiting).toHaveLength(32 * KiB);
  });

  test('end where the file ends: nothing behind it is fetched', async () => {
    const { fetched, expectRead } = readerOf(patterned(100 * KiB));
    for (let at = 0; at < 110 * KiB; at += 10 * KiB) await expectRead(at, 10 * KiB);
    expect(fetched).toEqual(['0+64', '64+36']);
  });
});

describe('reads elsewhere', () => {
  test('fetch little, nothing ahead, and let what was fetched ahead go', async () => {
    const { fetched, memory, expectRead } = readerOf(patterned(16 * MiB));
    for (let at = 0; at < 2 * MiB; at += 256 * KiB) await expectRead(at, 256 * KiB);
    await turn();
    fetched.length = 0;
    await expectRead(12 * MiB, 10);
    await expectRead(10 * MiB, 10);
    await expectRead(10 * MiB + 20, 10);
    expect(fetched).toEqual([`${12 * KiB}+64`, `${10 * KiB}+64`]);
    expect(memory.reservedBytes).toBe(64 * KiB);
  });

  test('are one fetch when they are longer than a small one', async () => {
    const { fetched, expectRead } = readerOf(patterned(2 * MiB));
    await expectRead(MiB, 255 * KiB);
    expect(fetched).toEqual(['1024+255']);
  });

  test('across the end of what is held fetch only what is missing', async () => {
    const { fetched, expectRead } = readerOf(patterned(MiB));
    await expectRead(0, 10);
    await expectRead(64 * KiB - 5, 10);
    expect(fetched).toEqual(['0+64', '64+128']);
  });

  test('begin no third window while the one fetched ahead in vain is under way', async () => {
    const { script, gate } = gated();
    const { fetched, memory, expectRead, reader } = readerOf(patterned(8 * MiB), script);
    const first = expectRead(0, 32 * KiB);
    gate(0).resolve();
    await first;
    await expectRead(32 * KiB, 10);
    const elsewhere = expectRead(4 * MiB, 10);
    gate(2).resolve();
    await elsewhere;
    await expectRead(4 * MiB + 10, 10);
    expect(fetched).toEqual(['0+64', '64+128', '4096+64']);
    expect(memory.reservedBytes).toBe((64 + 128) * KiB);
    gate(1).resolve();
    await turn();
    expect(memory.reservedBytes).toBe(64 * KiB);
    await expectRead(4 * MiB + 20, 10);
    expect(fetched.slice(3)).toEqual(['4160+128']);
    reader.close();
  });

  test('backwards are right', async () => {
    const { expectRead } = readerOf(patterned(2 * MiB));
    for (let at = 2 * MiB - 32 * KiB; at >= 0; at -= 32 * KiB) await expectRead(at, 32 * KiB);
  });

  test('of two streams that take turns are right', async () => {
    const { expectRead } = readerOf(patterned(2 * MiB));
    for (let at = 0; at < MiB; at += 32 * KiB) {
      await expectRead(at, 32 * KiB);
      await expectRead(MiB + at, 32 * KiB);
    }
  });

  test('that overlap in time wait for one another and are right', async () => {
    const { script, gate } = gated();
    const { fetched, expectRead } = readerOf(patterned(2 * MiB), script);
    const reads = [0, 32, 1000, 64].map((at) => expectRead(at * KiB, 40 * KiB));
    for (const index of [0, 1, 2, 3]) {
      expect(fetched).toHaveLength(index + 1);
      gate(index).resolve();
      await turn();
    }
    await Promise.all(reads);
    expect(fetched).toEqual(['0+64', '64+128', '1000+64', '64+64']);
  });
});

describe('a short allowance', () => {
  test('makes the windows shorter, and nothing is fetched ahead', async () => {
    const { memory, fetched, expectRead } = readerOf(patterned(4 * MiB));
    memory.grants = (bytes) => memory.reservedBytes + bytes <= 200 * KiB;
    for (let at = 0; at < MiB; at += 32 * KiB) await expectRead(at, 32 * KiB);
    expect(fetched.slice(0, 5)).toEqual(['0+64', '64+128', '192+128', '320+128', '448+128']);
    expect(memory.mostReservedBytes).toBeLessThanOrEqual(200 * KiB);
  });

  test('that grants nothing makes each read fetch what it asks for, and nothing is kept', async () => {
    const { memory, fetched, expectRead } = readerOf(patterned(MiB));
    memory.grants = () => false;
    await expectRead(0, 255 * KiB);
    await expectRead(255 * KiB, KiB);
    await expectRead(255 * KiB, KiB);
    expect(fetched).toEqual(['0+255', '255+1', '255+1']);
    expect(memory.mostReservedBytes).toBe(0);
  });

  test('that grants again lets the windows grow again', async () => {
    const { memory, fetched, expectRead } = readerOf(patterned(4 * MiB));
    memory.grants = () => false;
    await expectRead(0, 32 * KiB);
    await expectRead(32 * KiB, 32 * KiB);
    memory.grants = () => true;
    await expectRead(64 * KiB, 32 * KiB);
    await expectRead(96 * KiB, 32 * KiB);
    expect(fetched).toEqual(['0+32', '32+32', '64+64', '128+128']);
  });
});

describe('what is not there', () => {
  test('at or past the end is not fetched', async () => {
    const { reader, fetched } = readerOf(patterned(100));
    for (const offset of [100, 101, Number.MAX_SAFE_INTEGER])
      expect(await reader.read(offset, 10)).toHaveLength(0);
    const empty = readerOf(Buffer.alloc(0));
    expect(await empty.reader.read(0, 10)).toHaveLength(0);
    expect([...fetched, ...empty.fetched]).toEqual([]);
  });

  test('in the store makes a short read, not an endless one', async () => {
    const { reader, memory } = readerOf(patterned(200 * KiB), (bytes, offset) =>
      bytes.subarray(0, Math.max(0, 30 * KiB - offset)),
    );
    expect(await reader.read(0, 20 * KiB)).toHaveLength(20 * KiB);
    expect(await reader.read(20 * KiB, 20 * KiB)).toHaveLength(10 * KiB);
    expect(await reader.read(40 * KiB, 20 * KiB)).toHaveLength(0);
    memory.grants = () => false;
    expect(await reader.read(0, 60 * KiB)).toHaveLength(30 * KiB);
    reader.close();
    expect(memory.reservedBytes).toBe(0);
  });
});
