import { expect, test } from 'vitest';
import { ReadWindow } from '../../src/sftp/read-window.ts';
import { deferred } from '../support/sftp-driver.ts';

test('memory is given back by a window that is there, not by one that may still be written to', async () => {
  const bytes = deferred<Uint8Array>();
  const open = () =>
    new ReadWindow(
      { start: 0, length: 10 },
      async (allocate) => {
        const memory = allocate(10);
        await bytes.promise;
        return memory;
      },
      () => undefined,
    );
  const [dropped, kept] = [open(), open()];
  expect(dropped.drop()).toBeUndefined();
  bytes.resolve(new Uint8Array(0));
  await kept.settled;
  expect(kept.drop()).toHaveLength(10);
  expect(kept.drop()).toBeUndefined();
  await dropped.settled;
  expect(dropped.drop()).toBeUndefined();
});

test('memory that the bytes do not lie in is not kept', async () => {
  const window = new ReadWindow(
    { start: 0, length: 10 },
    async (allocate) => {
      allocate(10);
      return new Uint8Array(10);
    },
    () => undefined,
  );
  await window.settled;
  expect(window.drop()).toBeUndefined();
});

test('a fetch that begins again gets other memory than before', async () => {
  const spare = new Uint8Array(10);
  const window = new ReadWindow(
    { start: 0, length: 10 },
    async (allocate) => {
      expect(allocate(10)).toBe(spare);
      return allocate(10);
    },
    () => undefined,
    spare,
  );
  await window.settled;
  expect(window.slice(0, 10).buffer).not.toBe(spare.buffer);
});
