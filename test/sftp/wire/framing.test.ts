import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FramingError, PacketFramer } from '../../../src/sftp/wire/framing.ts';
import { hex, packet } from '../../support/sftp-packets.ts';

const LIMIT = 256 * 1024;

/** The bodies of all whole packets that are there, joined. */
function takeAll(framer: PacketFramer): Buffer[] {
  const bodies: Buffer[] = [];
  for (let slices = framer.next(); slices !== undefined; slices = framer.next()) {
    if (slices.some(({ length }) => length === 0)) throw new Error('an empty slice');
    bodies.push(Buffer.concat(slices));
  }
  return bodies;
}

const bodies = fc.array(
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  { maxLength: 12 },
);

/** Where a stream of unknown length is cut: as fractions of it. */
const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });

function framed(body: Buffer): Buffer {
  return packet(body[0] ?? 0, body.subarray(1));
}

function* pieces(stream: Buffer, cuts: readonly number[]): Generator<Buffer> {
  const positions = cuts.map((cut) => Math.round(cut * stream.length)).sort((a, b) => a - b);
  let from = 0;
  for (const to of [...positions, stream.length]) {
    yield stream.subarray(from, to);
    from = to;
  }
}

describe('PacketFramer (section 3)', () => {
  test('takes the length off a packet', () => {
    const framer = new PacketFramer(LIMIT);
    framer.push(hex('00000005 01 00000003'));
    expect(takeAll(framer)).toEqual([hex('01 00000003')]);
    expect(framer.bufferedBytes).toBe(0);
  });

  test('gives out two packets cut at every pair of positions', () => {
    const stream = Buffer.concat([packet(1, hex('00000003')), packet(17, hex('00000001 00000001 2f'))]);
    const expected = [hex('01 00000003'), hex('11 00000001 00000001 2f')];
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const framer = new PacketFramer(LIMIT);
        const taken: Buffer[] = [];
        for (const [from, to] of [
          [0, first],
          [first, second],
          [second, stream.length],
        ]) {
          framer.push(stream.subarray(from, to));
          taken.push(...takeAll(framer));
        }
        expect(taken).toEqual(expected);
      }
    }
  });

  test('gives out the same packets however a stream is cut, taken at once or as they come', () => {
    fc.assert(
      fc.property(bodies, fractions, fc.boolean(), (packets, cuts, asTheyCome) => {
        const framer = new PacketFramer(LIMIT);
        const taken: Buffer[] = [];
        for (const piece of pieces(Buffer.concat(packets.map(framed)), cuts)) {
          framer.push(piece);
          if (asTheyCome) taken.push(...takeAll(framer));
        }
        taken.push(...takeAll(framer));
        expect(taken).toEqual(packets);
        expect(framer.bufferedBytes).toBe(0);
      }),
    );
  });

  test('counts the bytes it holds at every cut', () => {
    fc.assert(
      fc.property(bodies, fractions, (packets, cuts) => {
        const framer = new PacketFramer(LIMIT);
        let held = 0;
        for (const piece of pieces(Buffer.concat(packets.map(framed)), cuts)) {
          framer.push(piece);
          held += piece.length;
          for (const body of takeAll(framer)) held -= 4 + body.length;
          expect(framer.bufferedBytes).toBe(held);
        }
      }),
    );
  });

  test('hands out views of what came, never copies, and no empty ones', () => {
    const framer = new PacketFramer(LIMIT);
    const chunks = [hex('00000006 06 01'), Buffer.alloc(0), hex('02 03'), hex('04 05 00000001 07')];
    for (const chunk of chunks) framer.push(chunk);
    const slices = framer.next();
    expect(slices?.map((slice) => slice.toString('hex'))).toEqual(['0601', '0203', '0405']);
    chunks[2]?.fill(0xff);
    expect(slices?.[1]).toEqual(hex('ffff'));
    expect(takeAll(framer)).toEqual([hex('07')]);
  });

  test('waits for a packet that is announced and not there yet', () => {
    const framer = new PacketFramer(LIMIT);
    expect(framer.next()).toBeUndefined();
    framer.push(hex('00000002 11'));
    expect(framer.next()).toBeUndefined();
    expect(framer.bufferedBytes).toBe(5);
    framer.push(hex('22'));
    expect(framer.next()).toEqual([hex('11'), hex('22')]);
  });

  test('refuses a packet of no bytes, which has not even a type', () => {
    const framer = new PacketFramer(LIMIT);
    framer.push(hex('00000000 00000001 11'));
    expect(() => framer.next()).toThrow(FramingError);
  });

  test('takes a packet of exactly the limit', () => {
    const framer = new PacketFramer(8);
    framer.push(hex('00000008 0102030405060708'));
    expect(takeAll(framer)).toEqual([hex('0102030405060708')]);
  });

  test.each(['00000009', '7fffffff', '80000000', 'ffffffff', '48545450'])(
    'refuses the length %s over the limit before any of the packet is there, however it is cut',
    (length) => {
      for (let at = 0; at <= 4; at++) {
        const framer = new PacketFramer(8);
        framer.push(hex(length).subarray(0, at));
        if (at < 4) expect(framer.next()).toBeUndefined();
        framer.push(hex(length).subarray(at));
        expect(() => framer.next()).toThrow(FramingError);
      }
    },
  );

  test('goes on refusing after a length that it refused', () => {
    const framer = new PacketFramer(8);
    framer.push(hex('ffffffff 00000001 11'));
    expect(() => framer.next()).toThrow(FramingError);
    expect(() => framer.next()).toThrow(FramingError);
  });

  test('a packet that is good before one that is not is given out', () => {
    const framer = new PacketFramer(8);
    framer.push(hex('00000001 11 00000000'));
    expect(framer.next()).toEqual([hex('11')]);
    expect(() => framer.next()).toThrow(FramingError);
  });

  test('shows the start of a packet that is not whole, however it is cut, and keeps it', () => {
    const stream = hex('00000008 0601020304');
    for (let at = 0; at <= stream.length; at++) {
      const framer = new PacketFramer(LIMIT);
      framer.push(stream.subarray(0, at));
      if (at < 4) expect(framer.peek(3)).toBeUndefined();
      framer.push(stream.subarray(at));
      expect(framer.peek(3)).toEqual({ length: 8, start: hex('060102') });
      expect(framer.peek(100)).toEqual({ length: 8, start: hex('0601020304') });
      expect(framer.bufferedBytes).toBe(9);
    }
  });

  test('gives out a packet in pieces as they come, and the packet behind it whole', () => {
    const framer = new PacketFramer(LIMIT);
    framer.push(hex('00000008 06010203'));
    framer.skip(6);
    expect(framer.piece(6)).toEqual(hex('0203'));
    expect(framer.piece(4)).toBeUndefined();
    framer.push(hex('04'));
    framer.push(hex('050607 00000001 11'));
    expect(framer.piece(0)).toBeUndefined();
    expect([framer.piece(4), framer.piece(3)]).toEqual([hex('04'), hex('050607')]);
    expect(takeAll(framer)).toEqual([hex('11')]);
  });

  test('joins what drips in: the slices of a packet stay few', () => {
    const framer = new PacketFramer(LIMIT);
    const body = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256));
    const dripping = packet(17, body);
    // The first slice is one of which a part has been taken.
    framer.push(Buffer.concat([hex('00000001 22'), dripping.subarray(0, 1)]));
    expect(framer.next()).toEqual([hex('22')]);
    for (const byte of dripping.subarray(1)) framer.push(Buffer.of(byte));
    const slices = framer.next() ?? [];
    expect(slices.length).toBeLessThanOrEqual(64);
    expect(Buffer.concat(slices)).toEqual(Buffer.concat([hex('11'), body]));
  });
});
