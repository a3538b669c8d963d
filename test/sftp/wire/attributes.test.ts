import { describe, expect, test } from 'vitest';
import { directoryInfo, type FileInfo, fileInfo } from '../../../src/contract/types.ts';
import { readAttributes, toPermissions, writeAttributes } from '../../../src/sftp/wire/attributes.ts';
import { FieldReader, PacketWriter } from '../../../src/sftp/wire/fields.ts';
import { hex } from '../../support/sftp-packets.ts';

/** The fields of an ATTRS structure in the order in which section 5 has them, each behind its flag. */
const FIELDS = [
  { flag: 0x1, bytes: '0000000200000001', value: { size: 2 ** 33 + 1 } },
  { flag: 0x2, bytes: '000003e8 000003e9', value: { uid: 1000, gid: 1001 } },
  { flag: 0x4, bytes: '000081a4', value: { permissions: 0o100644 } },
  { flag: 0x8, bytes: '5f5e0ff0 5f5e1000', value: { atime: 0x5f5e0ff0, mtime: 0x5f5e1000 } },
  { flag: 0x8000_0000, bytes: '00000002  00000001 61 00000000  00000002 6262 00000001 7a', value: {} },
] as const;

interface Combination {
  readonly flags: number;
  readonly bytes: Buffer;
  readonly value: object;
}

/** All 32 combinations of flags. */
const COMBINATIONS: readonly Combination[] = Array.from({ length: 2 ** FIELDS.length }, (_, bits) => {
  const chosen = FIELDS.filter((_field, index) => bits & (1 << index));
  const flags = chosen.reduce((sum, { flag }) => sum + flag, 0);
  const word = flags.toString(16).padStart(8, '0');
  return {
    flags,
    bytes: hex(word + chosen.map(({ bytes }) => bytes).join('')),
    value: Object.assign({}, ...chosen.map(({ value }) => value)),
  };
});

function written(info: FileInfo): string {
  return writeAttributes(new PacketWriter(105), info).packet().subarray(5).toString('hex');
}

describe('readAttributes (section 5)', () => {
  test.each(COMBINATIONS)(
    'reads the fields that the flags $flags announce, and all their bytes',
    (example) => {
      const reader = new FieldReader(example.bytes);
      expect(readAttributes(reader)).toEqual(example.value);
      expect(reader.position).toBe(example.bytes.length);
    },
  );

  test.each(COMBINATIONS)('refuses the flags $flags when any of their bytes is missing', ({ bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      const reader = new FieldReader(bytes.subarray(0, length));
      expect(() => readAttributes(reader)).toThrow('runs past the end');
    }
  });

  test('refuses every flag that version 3 does not have', () => {
    for (let bit = 0; bit < 32; bit++) {
      const word = Buffer.alloc(64);
      word.writeUInt32BE((1 << bit) >>> 0);
      const read = () => readAttributes(new FieldReader(word));
      if ([0, 1, 2, 3, 31].includes(bit)) expect(read).not.toThrow();
      else expect(read).toThrow('unknown attribute flags');
    }
  });

  test('takes 64 extended pairs and no more', () => {
    const pairs = (count: number) =>
      new FieldReader(Buffer.concat([hex('80000000'), Buffer.of(0, 0, 0, count), Buffer.alloc(8 * count)]));
    expect(readAttributes(pairs(64))).toEqual({});
    expect(() => readAttributes(pairs(65))).toThrow('too many');
  });

  test('a count of 4,294,967,295 extended pairs is refused at once', () => {
    expect(() => readAttributes(new FieldReader(hex('80000000 ffffffff')))).toThrow('too many');
  });

  test('refuses a size past what a number can count', () => {
    expect(() => readAttributes(new FieldReader(hex('00000001 0020000000000000')))).toThrow('2^53');
  });

  test('a fault carries the id of the request', () => {
    const reader = new FieldReader(hex('00000010'));
    reader.id = 42;
    expect(() => readAttributes(reader)).toThrow(expect.objectContaining({ id: 42 }));
  });
});

describe('writeAttributes (section 5)', () => {
  test('tells size, permissions with the file type, and times', () => {
    expect(written(fileInfo(2 ** 40 + 5, 1_600_000_000))).toBe(
      hex('0000000d  0000010000000005  000081a4  5f5e1000 5f5e1000').toString('hex'),
    );
  });

  test('a directory has the type of one', () => {
    expect(written(directoryInfo(1))).toBe(
      hex('0000000d  0000000000000000  000041ed  00000001 00000001').toString('hex'),
    );
  });

  test.each([
    [1.999, '00000001'],
    [-5, '00000000'],
    [2 ** 33, 'ffffffff'],
  ])('the time %d fits into its field as %s', (mtime, field) => {
    expect(written(fileInfo(0, mtime)).slice(-16)).toBe(field + field);
  });
});

test('permissions are those of st_mode: type and twelve bits, nothing else of the mode', () => {
  expect(toPermissions({ ...fileInfo(0), mode: 0o777 })).toBe(0o100777);
  expect(toPermissions({ ...directoryInfo(), mode: 0o1777 })).toBe(0o041777);
  expect(toPermissions({ ...fileInfo(0), mode: 0o170644 })).toBe(0o100644);
});
