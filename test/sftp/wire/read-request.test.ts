import { describe, expect, test } from 'vitest';
import { MalformedRequest } from '../../../src/sftp/wire/fields.ts';
import { readInit, readRequest, readWriteHead } from '../../../src/sftp/wire/read-request.ts';
import type { Request } from '../../../src/sftp/wire/requests.ts';
import { hex, packet, str, u32, u64 } from '../../support/sftp-packets.ts';

type Example = readonly [what: string, bytes: string, request: Request];

const NOTHING = {};

/** Every request of draft-ietf-secsh-filexfer-02, byte by byte, without the length field. */
const EXAMPLES: readonly Example[] = [
  [
    'OPEN for an upload (section 6.3)',
    '03  00000001  00000006 2f612e747874  0000001a  00000000',
    { kind: 'open', id: 1, path: '/a.txt', flags: 0x1a, attributes: NOTHING },
  ],
  [
    'OPEN with permissions (section 6.3)',
    '03  00000002  00000002 2f62  00000001  00000004 000001a4',
    { kind: 'open', id: 2, path: '/b', flags: 1, attributes: { permissions: 0o644 } },
  ],
  ['CLOSE (section 6.3)', '04  00000003  00000001 30', { kind: 'close', id: 3, handle: '0' }],
  [
    'READ past 4 GiB (section 6.4)',
    '05  00000004  00000001 37  0000000100000002  00008000',
    { kind: 'read', id: 4, handle: '7', offset: 2 ** 32 + 2, length: 32_768 },
  ],
  ['LSTAT (section 6.8)', '07  00000006  00000001 2f', { kind: 'lstat', id: 6, path: '/' }],
  ['FSTAT (section 6.8)', '08  00000007  00000002 3132', { kind: 'fstat', id: 7, handle: '12' }],
  [
    'SETSTAT of the times (section 6.9)',
    '09  00000008  00000002 2f61  00000008 00000010 00000020',
    { kind: 'setstat', id: 8, path: '/a', attributes: { atime: 16, mtime: 32 } },
  ],
  [
    'FSETSTAT of the size (section 6.9)',
    '0a  00000009  00000001 30  00000001 0000000000000400',
    { kind: 'fsetstat', id: 9, handle: '0', attributes: { size: 1024 } },
  ],
  ['OPENDIR (section 6.7)', '0b  0000000a  00000003 2f696e', { kind: 'opendir', id: 10, path: '/in' }],
  ['READDIR (section 6.7)', '0c  0000000b  00000001 31', { kind: 'readdir', id: 11, handle: '1' }],
  ['REMOVE (section 6.5)', '0d  0000000c  00000002 2f61', { kind: 'remove', id: 12, path: '/a' }],
  [
    'MKDIR with permissions (section 6.6)',
    '0e  0000000d  00000002 2f64  00000004 000001ed',
    { kind: 'mkdir', id: 13, path: '/d', attributes: { permissions: 0o755 } },
  ],
  ['RMDIR (section 6.6)', '0f  0000000e  00000002 2f64', { kind: 'rmdir', id: 14, path: '/d' }],
  [
    'REALPATH of the empty name (section 6.11)',
    '10  0000000f  00000000',
    { kind: 'realpath', id: 15, path: '' },
  ],
  [
    'STAT of a name in UTF-8 (section 6.8)',
    '11  00000010  00000005 2f c3a9 c3bc',
    { kind: 'stat', id: 16, path: '/éü' },
  ],
  [
    'RENAME (section 6.5)',
    '12  00000011  00000002 2f61  00000002 2f62',
    { kind: 'rename', id: 17, from: '/a', to: '/b' },
  ],
  ['READLINK (section 6.10)', '13  00000012  00000002 2f6c', { kind: 'readlink', id: 18, path: '/l' }],
  [
    'SYMLINK, which is not supported (section 6.10)',
    '14  00000013  00000002 2f6c  00000002 2f74',
    { kind: 'symlink', id: 19, path: '/l', targetPath: '/t' },
  ],
  [
    'an id with the highest bit set (section 6)',
    '04  ffffffff  00000001 30',
    { kind: 'close', id: 0xffff_ffff, handle: '0' },
  ],
  [
    'a handle that is no text (section 7)',
    '04  00000001  00000003 00ff80',
    { kind: 'close', id: 1, handle: '\u0000\u00ff\u0080' },
  ],
  [
    'a byte order mark at the start of a name, which is part of it (section 6.2)',
    '11  00000001  00000004 efbbbf 61',
    { kind: 'stat', id: 1, path: '\ufeffa' },
  ],
];

const WRITE = hex(`
  06                        # SSH_FXP_WRITE, section 6.4
  00000005                  # id
  00000001 30               # handle "0"
  0000000000010000          # offset 65,536
  00000005 68656c6c6f       # "hello"
`);

/** `bytes` whole, cut in two in every way, and in single bytes. */
function* cuts(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield [...bytes].map((byte) => Buffer.of(byte));
}

const refusal = (fields: { readonly id: number | undefined; readonly handle?: string | undefined }) =>
  expect.objectContaining({ name: 'MalformedRequest', ...fields });

/** Every beginning of a request is refused, with the id once that is there. */
function expectNoBeginning(whole: Buffer, id: number): void {
  for (let length = 1; length < whole.length; length++) {
    const slices = [whole.subarray(0, length)];
    expect(() => readRequest(slices)).toThrow(refusal({ id: length >= 5 ? id : undefined }));
  }
}

describe('readRequest', () => {
  test.each(EXAMPLES)('reads %s, whole and however it is cut into slices', (_, bytes, request) => {
    for (const slices of cuts(hex(bytes))) expect(readRequest(slices)).toEqual(request);
  });

  test.each(EXAMPLES.filter(([, , { kind }]) => kind !== 'unsupported'))(
    'refuses %s cut short at any byte, with its id once that is there',
    (_, bytes, request) => expectNoBeginning(hex(bytes), request.id),
  );

  test.each([
    ['a lone continuation byte', '80'],
    ['an overlong slash', 'c0af'],
    ['a surrogate', 'eda080'],
    ['Latin-1', '66fc72'],
    ['a sequence cut short', 'e282'],
    ['a code point past U+10FFFF', 'f4908080'],
  ])('refuses a name that is not UTF-8: %s (section 6.2)', (_, name) => {
    for (const type of [3, 7, 9, 11, 13, 14, 15, 16, 17, 18, 19]) {
      const body = Buffer.concat([Buffer.of(type), u32(7), str(hex(name)), str('/b'), u32(0)]);
      expect(() => readRequest([body])).toThrow(refusal({ id: 7 }));
    }
  });

  test('takes the largest offset that a number can count, and no larger one', () => {
    const at = (offset: string) => [hex(`05  00000004  00000001 37  ${offset}  00008000`)];
    expect(readRequest(at('001fffffffffffff'))).toMatchObject({ offset: Number.MAX_SAFE_INTEGER });
    for (const offset of ['0020000000000000', '7fffffffffffffff', 'ffffffffffffffff']) {
      expect(() => readRequest(at(offset))).toThrow(MalformedRequest);
    }
  });

  test('takes a handle of 256 bytes, and no longer one', () => {
    const closing = (length: number) => [packet(4, u32(1), str('h'.repeat(length))).subarray(4)];
    expect(readRequest(closing(256))).toMatchObject({ kind: 'close', handle: 'h'.repeat(256) });
    expect(() => readRequest(closing(257))).toThrow(MalformedRequest);
  });

  test('a string that claims 4 GiB is refused, not allocated', () => {
    const greedy = hex('11  00000001  ffffffff 2f');
    expect(() => readRequest([greedy])).toThrow(refusal({ id: 1 }));
  });

  test('every type that the draft does not give a client is unsupported, never malformed', () => {
    const known = [...Array.from({ length: 18 }, (_, index) => index + 3), 200];
    for (let type = 0; type < 256; type++) {
      if (known.includes(type)) continue;
      expect(readRequest([Buffer.of(type, 0, 0, 0, 9)])).toMatchObject({ kind: 'unsupported', id: 9 });
    }
  });
});

describe('readWriteHead', () => {
  const LENGTH = 100_000;
  const head = (handle: string | Uint8Array, offset: number | bigint, length: number) =>
    Buffer.concat([hex('06 00000005'), str(handle), u64(offset), u32(length)]);

  test.each(['', '0', 'h'.repeat(256)])(
    'reads the head of a WRITE as soon as it is there: handle "%s"',
    (handle) => {
      const bytes = Buffer.concat([head(handle, 65_536, 99_000), Buffer.from('payload')]);
      const headBytes = bytes.length - 7;
      for (let there = 0; there <= bytes.length; there++) {
        const read = readWriteHead({ length: LENGTH, start: bytes.subarray(0, there) });
        expect(read).toEqual(
          there < headBytes ? undefined : { id: 5, handle, offset: 65_536, length: 99_000, headBytes },
        );
      }
    },
  );

  test('reads a WRITE to its last byte (section 6.4)', () => {
    const expected = { id: 5, handle: '0', offset: 65_536, length: 5, headBytes: 22 };
    expect(readWriteHead({ length: WRITE.length, start: WRITE })).toEqual(expected);
  });

  test('reads one without bytes (Apache MINA sends them)', () => {
    const start = head('0', 0, 0);
    expect(readWriteHead({ length: start.length, start })).toMatchObject({ length: 0, headBytes: 22 });
  });

  test('refuses a packet that ends anywhere in its head, with the id once that is there', () => {
    for (let length = 1; length < 22; length++) {
      const start = WRITE.subarray(0, length);
      expect(() => readWriteHead({ length, start })).toThrow(refusal({ id: length >= 5 ? 5 : undefined }));
    }
  });

  test('leaves other requests to readRequest', () => {
    const start = head('0', 0, 10);
    const reading = Buffer.from(start);
    reading[0] = 5;
    expect(readWriteHead({ length: LENGTH, start: reading })).toBeUndefined();
  });

  test('takes a payload that fills the packet to its last byte, and none that does not fit', () => {
    const headBytes = head('0', 0, 0).length;
    const read = (length: number) => readWriteHead({ length: LENGTH, start: head('0', 0, length) });
    expect(read(LENGTH - headBytes)).toMatchObject({ length: LENGTH - headBytes });
    expect(() => read(LENGTH - headBytes + 1)).toThrow(refusal({ id: 5, handle: '0' }));
  });

  test('refuses what readRequest refuses: an offset past 2^53, a handle of more than 256 bytes', () => {
    const far = head('0', 2n ** 60n, 10);
    expect(() => readWriteHead({ length: LENGTH, start: far })).toThrow(refusal({ id: 5, handle: '0' }));
    const long = head('h'.repeat(257), 0, 10);
    for (const start of [long, long.subarray(0, 9)]) {
      expect(() => readWriteHead({ length: LENGTH, start })).toThrow(refusal({ id: 5, handle: undefined }));
    }
  });
});

describe('readInit', () => {
  test('reads the version that the client speaks (section 4)', () => {
    expect(readInit([hex('01 00000003')])).toBe(3);
    expect(readInit([hex('01 00000006')])).toBe(6);
  });

  test('reads it however the packet is cut', () => {
    for (const slices of cuts(hex('01 00000003'))) expect(readInit(slices)).toBe(3);
  });

  test('passes over the extension pairs of a client', () => {
    expect(readInit([hex('01 00000003 00000001 61 00000001 31')])).toBe(3);
  });

  test.each([
    ['too short', '01 000000'],
    ['of another type', '02 00000003'],
    ['a request', '11 00000003 00000001 2f'],
  ])('is undefined for a packet that is %s', (_, bytes) => {
    expect(readInit([hex(bytes)])).toBeUndefined();
  });
});
