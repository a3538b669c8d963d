import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FieldReader, MalformedRequest, PacketWriter } from '../../../src/sftp/wire/fields.ts';
import { hex, packet, str, u32, u64 } from '../../support/sftp-packets.ts';

describe('PacketWriter and FieldReader (section 3)', () => {
  test('writes fields in order behind length and type', () => {
    const writer = new PacketWriter(101)
      .uint32(1)
      .uint64(2 ** 40)
      .text('ü')
      .text(Buffer.of(0, 255));
    expect(writer.packet()).toEqual(
      hex('00000019 65  00000001  0000010000000000  00000002 c3bc  00000002 00ff'),
    );
  });

  test('writes the largest numbers that fields have room for', () => {
    const writer = new PacketWriter(1).uint32(0xffff_ffff).uint64(0xffff_ffff_ffff_ffffn);
    expect(writer.packet()).toEqual(hex('0000000d 01  ffffffff  ffffffffffffffff'));
  });

  test('whatever is written is read again', () => {
    const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
    const numbers = [fc.nat({ max: 0xffff_ffff }), fc.maxSafeNat(), text] as const;
    fc.assert(
      fc.property(...numbers, fc.uint8Array(), (word, long, name, bytes) => {
        const body = packet(1, u32(word), u64(long), str(name), str(bytes)).subarray(4);
        expect(
          new PacketWriter(1).uint32(word).uint64(long).text(name).text(Buffer.from(bytes)).packet(),
        ).toEqual(Buffer.concat([u32(body.length), body]));
        const reader = new FieldReader(body, 1);
        expect([reader.uint32(), reader.uint64(), reader.text()]).toEqual([word, long, name]);
        expect(reader.bytes()).toEqual(Buffer.from(bytes));
        expect(reader.position).toBe(body.length);
      }),
    );
  });

  test('a fault leaves the position where it was, and tells the id once that is known', () => {
    const reader = new FieldReader(hex('00000010 61'));
    expect(() => reader.bytes()).toThrow(expect.objectContaining({ id: undefined }));
    reader.id = 3;
    expect(() => reader.uint64()).toThrow(MalformedRequest);
    expect(() => reader.uint64()).toThrow(expect.objectContaining({ id: 3 }));
    expect(reader.position).toBe(4);
  });
});
