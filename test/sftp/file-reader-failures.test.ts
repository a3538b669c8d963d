import { describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { gated, KiB, MiB, patterned, readerOf, type Script } from '../support/scripted-reader.ts';
import { type Deferred, turn } from '../support/sftp-driver.ts';

describe('a fetch that fails', () => {
  /** Fetches fail with `failure.error` as long as there is one. */
  function failing() {
    const failure: { error: unknown } = { error: undefined };
    const script: Script = (bytes) => {
      if (failure.error !== undefined) throw failure.error;
      return bytes;
    };
    return { failure, script };
  }

  test('fails its read, and the same read works later', async () => {
    const { failure, script } = failing();
    const { reader, memory, expectRead } = readerOf(patterned(200 * KiB), script);
    failure.error = new Error('no');
    await expect(reader.read(100, 10)).rejects.toThrow('no');
    expect(memory.reservedBytes).toBe(0);
    failure.error = undefined;
    await expectRead(100, 10);
  });

  test('ahead is met by the read that needs its bytes, not before, and holds no memory', async () => {
    const { failure, script } = failing();
    const { reader, fetched, memory, expectRead } = readerOf(patterned(MiB), script);
    await expectRead(0, 32 * KiB);
    failure.error = new Error('no');
    await expectRead(32 * KiB, 16 * KiB);
    await turn();
    expect(memory.reservedBytes).toBe(64 * KiB);
    await expectRead(48 * KiB, 16 * KiB);
    await expect(reader.read(64 * KiB, 16 * KiB)).rejects.toThrow('no');
    expect(fetched).toEqual(['0+64', '64+128']);
    failure.error = undefined;
    await expectRead(64 * KiB, 16 * KiB);
    await expectRead(80 * KiB, 64 * KiB);
    expect(fetched.slice(2)).toEqual(['64+64', '128+128', '256+256']);
  });

  test('ahead in vain is nobody’s error', async () => {
    const { failure, script } = failing();
    const { fetched, expectRead } = readerOf(patterned(MiB), script);
    await expectRead(0, 32 * KiB);
    failure.error = new Error('no');
    await expectRead(32 * KiB, 16 * KiB);
    await turn();
    failure.error = undefined;
    await expectRead(900 * KiB, KiB);
    await expectRead(901 * KiB, KiB);
    expect(fetched).toEqual(['0+64', '64+128', '900+64', '964+60']);
  });

  test('with ESTALE fails every read from then on, those of bytes that were held too', async () => {
    const { failure, script } = failing();
    const { reader, fetched, memory, expectRead } = readerOf(patterned(MiB), script);
    await expectRead(0, 32 * KiB);
    failure.error = new FsError('ESTALE', 'replaced');
    await expect(reader.read(512 * KiB, KiB)).rejects.toThrow('replaced');
    failure.error = undefined;
    expect(() => reader.read(512 * KiB, KiB)).toThrow('replaced');
    expect(() => reader.read(0, KiB)).toThrow('replaced');
    expect(fetched).toHaveLength(2);
    expect(memory.reservedBytes).toBe(0);
  });
});

describe('close', () => {
  test('gives back what is held and refuses further reads', async () => {
    const { reader, memory, expectRead } = readerOf(patterned(MiB));
    await expectRead(0, 32 * KiB);
    await expectRead(32 * KiB, 32 * KiB);
    await turn();
    expect(memory.reservedBytes).toBe((64 + 128) * KiB);
    reader.close();
    reader.close();
    expect(memory.reservedBytes).toBe(0);
    expect(() => reader.read(0, 1)).toThrow('EBADF');
  });

  test.each([
    ['succeeds', (gate: Deferred<void>) => gate.resolve()],
    ['fails', (gate: Deferred<void>) => gate.reject(new Error('no'))],
  ])('during a fetch ahead gives its memory back when the fetch settles: it %s', async (_, settle) => {
    const { script, gate } = gated();
    const { reader, memory, expectRead } = readerOf(patterned(MiB), script);
    const first = expectRead(0, 32 * KiB);
    gate(0).resolve();
    await first;
    await expectRead(32 * KiB, 32 * KiB);
    reader.close();
    expect(memory.reservedBytes).toBe(128 * KiB);
    settle(gate(1));
    await turn();
    expect(memory.reservedBytes).toBe(0);
  });

  test('aborts what is being fetched, and nothing is aborted before', async () => {
    const signals: AbortSignal[] = [];
    const { reader, memory, expectRead } = readerOf(patterned(MiB), (bytes, _, signal) => {
      signals.push(signal);
      if (signals.length === 1) return bytes;
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await expectRead(0, 32 * KiB);
    await expectRead(32 * KiB, 32 * KiB);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    const waiting = reader.read(64 * KiB, KiB);
    reader.close();
    await expect(waiting).rejects.toThrow('EBADF');
    expect(memory.reservedBytes).toBe(0);
  });

  test('during a read fails it and gives its memory back', async () => {
    const { script, gate } = gated();
    const { reader, fetched, memory } = readerOf(patterned(MiB), script);
    const reading = reader.read(0, 128 * KiB);
    reader.close();
    gate(0).resolve();
    await expect(reading).rejects.toThrow('EBADF');
    expect(memory.reservedBytes).toBe(0);
    expect(fetched).toHaveLength(1);
  });
});
