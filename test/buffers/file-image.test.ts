import { describe, expect, test } from 'vitest';
import { createFileImage } from '../../src/buffers/file-image.ts';

const bytes = new TextEncoder().encode('123456789');

describe('a file image', () => {
  test('moves to a larger buffer a logarithmic number of times', () => {
    const image = createFileImage({ maxBytes: 2 ** 20 });
    const buffers = new Set<unknown>();
    for (let index = 0; index < 10_000; index += 1) {
      image.write(image.size, bytes);
      buffers.add(image.contents().buffer);
    }
    expect(image.size).toBe(90_000);
    expect(buffers.size).toBeLessThan(20);
  });

  test('takes no more memory than its limit', () => {
    const image = createFileImage({ maxBytes: 100 });
    for (let index = 0; index < 11; index += 1) image.write(image.size, bytes);
    expect(image.contents().buffer.byteLength).toBe(100);
    expect(() => image.write(image.size, bytes)).toThrow('EFBIG');
    expect(image.size).toBe(99);
    image.write(image.size, bytes.subarray(0, 1));
    expect(image.size).toBe(100);
  });

  test('does not begin with more than its limit', () => {
    expect(() => createFileImage({ maxBytes: 8, initial: bytes })).toThrow('EFBIG');
    expect(createFileImage({ maxBytes: 9, initial: bytes }).contents()).toEqual(bytes);
  });

  test('leaves what it began with as it was, a Buffer too', () => {
    const initial = Buffer.from('original');
    const image = createFileImage({ maxBytes: 100, initial });
    image.write(0, bytes);
    expect(initial.toString()).toBe('original');
    initial.fill(0);
    expect(image.contents()).toEqual(bytes);
  });

  test('what memory cannot hold is ENOSPC', () => {
    const image = createFileImage({ maxBytes: Number.MAX_SAFE_INTEGER });
    expect(() => image.write(2 ** 52, bytes)).toThrow('ENOSPC');
    expect(() => image.setSize(2 ** 52)).toThrow('ENOSPC');
    expect(image.size).toBe(0);
  });
});
