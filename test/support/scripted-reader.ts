import { expect } from 'vitest';
import { FileReader } from '../../src/sftp/file-reader.ts';
import { type Deferred, deferred, TestAllowance } from './sftp-driver.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;

/** Bytes of which no two neighbourhoods are alike. */
export function patterned(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let index = 0; index < size; index += 1)
    bytes[index] = (index * 31 + (index >> 8) + (index >> 15)) & 0xff;
  return bytes;
}

/** What a fetch does once it has begun; it resolves to the bytes asked for unless it says otherwise. */
export type Script = (bytes: Buffer, offset: number, signal: AbortSignal) => Promise<Uint8Array> | Uint8Array;

/**
 * A reader of `content`, and the ranges it has fetched, as `offset+length` in KiB. A fetch spoils the memory that it reads into as soon as it
 * begins: a view of bytes that may still be looked at would show it.
 */
export function readerOf(content: Buffer, script: Script = (bytes) => bytes) {
  const fetched: string[] = [];
  const memory = new TestAllowance();
  const used: Uint8Array[] = [];
  const reader = new FileReader({
    size: content.length,
    memory,
    fetch: async (offset, length, signal, allocate) => {
      fetched.push(`${offset / KiB}+${length / KiB}`);
      const into = allocate(length).fill(0xee);
      used.push(into);
      const bytes = await script(content.subarray(offset, offset + length), offset, signal);
      into.set(bytes);
      return into.subarray(0, bytes.length);
    },
  });
  const expectRead = async (offset: number, length: number) => {
    const bytes = Buffer.from(await reader.read(offset, length));
    expect(bytes.equals(content.subarray(offset, offset + length))).toBe(true);
  };
  return { reader, fetched, memory, used, expectRead };
}

/** Fetches that settle when the test says so: `gates[n]` is that of fetch n. */
export function gated() {
  const gates: Deferred<void>[] = [];
  const script: Script = async (bytes) => {
    const gate = deferred();
    gates.push(gate);
    await gate.promise;
    return bytes;
  };
  const gate = (index: number) => gates[index] as Deferred<void>;
  return { script, gate };
}
