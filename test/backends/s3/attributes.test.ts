import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromMetadata, toMetadata } from '../../../src/backends/s3/attributes.ts';

describe('attributes in the metadata of an object', () => {
  test('come back as they were given, all of them or some', () => {
    const mtime = fc.nat(2 ** 32 - 1);
    const mode = fc.nat(0o7777);
    fc.assert(
      fc.property(fc.record({ mtime, mode }, { requiredKeys: [] }), (attributes) => {
        expect(fromMetadata(toMetadata(attributes))).toEqual(attributes);
      }),
    );
  });

  test('come back with fractions of a second, down to milliseconds', () => {
    fc.assert(
      fc.property(fc.nat(4_000_000_000), fc.nat(999), (seconds, milliseconds) => {
        const mtime = (seconds * 1000 + milliseconds) / 1000;
        expect(fromMetadata(toMetadata({ mtime }))).toEqual({ mtime });
      }),
    );
  });

  test('are written as s3fs and rclone read them', () => {
    expect(toMetadata({ mtime: 1_700_000_000, mode: 0o644 })).toEqual({ mtime: '1700000000', mode: '33188' });
    expect(toMetadata({})).toEqual({});
    expect(toMetadata({ mtime: 0, mode: 0 })).toEqual({ mtime: '0', mode: '32768' });
  });

  test('are read as s3fs and rclone write them', () => {
    expect(fromMetadata({ mtime: '1700000000', mode: '33188', uid: '1000' })).toEqual({
      mtime: 1_700_000_000,
      mode: 0o644,
    });
    expect(fromMetadata({ mtime: '1700000000.500000000' })).toEqual({ mtime: 1_700_000_000.5 });
  });

  test('have permission bits only, whatever type of file the mode tells', () => {
    expect(fromMetadata({ mode: String(0o040755) })).toEqual({ mode: 0o755 });
    expect(toMetadata({ mode: 0o106755 })).toEqual({ mode: String(0o106755) });
    expect(toMetadata({ mode: 0o046755 })).toEqual({ mode: String(0o106755) });
  });

  test.each([
    '',
    ' ',
    'yesterday',
    '2026-11-21T00:00:00Z',
    '-1',
    '0x10',
    '1e9',
    ' 12',
    '12 ',
    '1.',
    'NaN',
    '1,5',
  ])('in another form are passed over: %j', (text) => {
    expect(fromMetadata({ mtime: text, mode: text })).toEqual({});
  });

  test('are none where there is no metadata', () => {
    expect(fromMetadata(undefined)).toEqual({});
    expect(fromMetadata({})).toEqual({});
  });
});
