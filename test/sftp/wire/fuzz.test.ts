import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedRequest } from '../../../src/sftp/wire/fields.ts';
import { FramingError, PacketFramer } from '../../../src/sftp/wire/framing.ts';
import {
  readInit,
  readRequest,
  readWriteHead,
  WRITE_HEADER_BYTES,
  type WriteHead,
} from '../../../src/sftp/wire/read-request.ts';
import type { Request } from '../../../src/sftp/wire/requests.ts';
import { extended, packet, str, u32, u64 } from '../../support/sftp-packets.ts';

/** A request as it is sent, and what is to be read from it. */
interface Sent {
  readonly bytes: Buffer;
  readonly request: unknown;
}

const id = fc.nat({ max: 0xffff_ffff });
const word = fc.nat({ max: 0xffff_ffff });
const long = fc.maxSafeNat();
const path = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text.isWellFormed());
const handle = fc
  .uint8Array({ maxLength: 256 })
  .map((bytes) => ({ field: str(bytes), value: Buffer.from(bytes).toString('latin1') }));
const payload = fc.uint8Array({ maxLength: 600 });

const attributes = fc
  .record(
    { size: long, owner: fc.tuple(word, word), permissions: word, times: fc.tuple(word, word) },
    { requiredKeys: [] },
  )
  .map(({ size, owner, permissions, times }) => {
    const fields: Buffer[] = [];
    if (size !== undefined) fields.push(u64(size));
    if (owner !== undefined) fields.push(u32(owner[0]), u32(owner[1]));
    if (permissions !== undefined) fields.push(u32(permissions));
    if (times !== undefined) fields.push(u32(times[0]), u32(times[1]));
    const flags = [size, owner, permissions, times].map((value, bit) => (value === undefined ? 0 : 1 << bit));
    return {
      field: Buffer.concat([u32(flags.reduce((sum, flag) => sum + flag, 0)), ...fields]),
      value: {
        ...(size === undefined ? {} : { size }),
        ...(owner === undefined ? {} : { uid: owner[0], gid: owner[1] }),
        ...(permissions === undefined ? {} : { permissions }),
        ...(times === undefined ? {} : { atime: times[0], mtime: times[1] }),
      },
    };
  });

const ON_PATH = { lstat: 7, opendir: 11, remove: 13, rmdir: 15, realpath: 16, stat: 17, readlink: 19 };
const ON_HANDLE = { close: 4, fstat: 8, readdir: 12 };

function onPath([kind, type]: [string, number]): fc.Arbitrary<Sent> {
  return fc
    .record({ id, path })
    .map(({ id, path }) => ({ bytes: packet(type, u32(id), str(path)), request: { kind, id, path } }));
}

function onHandle([kind, type]: [string, number]): fc.Arbitrary<Sent> {
  return fc.record({ id, handle }).map(({ id, handle }) => ({
    bytes: packet(type, u32(id), handle.field),
    request: { kind, id, handle: handle.value },
  }));
}

const sent: fc.Arbitrary<Sent> = fc.oneof(
  ...Object.entries(ON_PATH).map(onPath),
  ...Object.entries(ON_HANDLE).map(onHandle),
  fc.record({ id, path, flags: word, attributes }).map(({ id, path, flags, attributes }) => ({
    bytes: packet(3, u32(id), str(path), u32(flags), attributes.field),
    request: { kind: 'open', id, path, flags, attributes: attributes.value },
  })),
  fc.record({ id, handle, offset: long, length: word }).map(({ id, handle, offset, length }) => ({
    bytes: packet(5, u32(id), handle.field, u64(offset), u32(length)),
    request: { kind: 'read', id, handle: handle.value, offset, length },
  })),
  fc.record({ id, handle, offset: long, payload }).map(({ id, handle, offset, payload }) => ({
    bytes: packet(6, u32(id), handle.field, u64(offset), str(payload)),
    request: {
      id,
      handle: handle.value,
      offset,
      length: payload.length,
      headBytes: 17 + handle.field.length,
    },
  })),
  fc.record({ id, path, attributes }).map(({ id, path, attributes }) => ({
    bytes: packet(9, u32(id), str(path), attributes.field),
    request: { kind: 'setstat', id, path, attributes: attributes.value },
  })),
  fc.record({ id, handle, attributes }).map(({ id, handle, attributes }) => ({
    bytes: packet(10, u32(id), handle.field, attributes.field),
    request: { kind: 'fsetstat', id, handle: handle.value, attributes: attributes.value },
  })),
  fc.record({ id, path, attributes }).map(({ id, path, attributes }) => ({
    bytes: packet(14, u32(id), str(path), attributes.field),
    request: { kind: 'mkdir', id, path, attributes: attributes.value },
  })),
  fc.record({ id, from: path, to: path }).map(({ id, from, to }) => ({
    bytes: packet(18, u32(id), str(from), str(to)),
    request: { kind: 'rename', id, from, to },
  })),
  fc.record({ id, from: path, to: path }).map(({ id, from, to }) => ({
    bytes: extended(id, 'posix-rename@openssh.com', str(from), str(to)),
    request: { kind: 'rename', id, from, to },
  })),
  fc.record({ id, path }).map(({ id, path }) => ({
    bytes: extended(id, 'expand-path@openssh.com', str(path)),
    request: { kind: 'expandPath', id, path },
  })),
);

/** Of a WRITE. */
function readHead(packet: readonly Buffer[]): WriteHead | undefined {
  const whole = Buffer.concat(packet);
  return readWriteHead({ length: whole.length, start: whole.subarray(0, WRITE_HEADER_BYTES) });
}

/** Everything that comes of a stream: requests read, and the errors that ended it or were answered. */
function consume(chunks: readonly Uint8Array[]): {
  readonly requests: (Request | WriteHead)[];
  readonly errors: unknown[];
} {
  const framer = new PacketFramer(256 * 1024);
  const requests: (Request | WriteHead)[] = [];
  const errors: unknown[] = [];
  try {
    for (const chunk of chunks) {
      framer.push(Buffer.from(chunk));
      for (let next = framer.next(); next !== undefined; next = framer.next()) {
        readInit(next);
        try {
          requests.push(readHead(next) ?? readRequest(next));
        } catch (error) {
          errors.push(error);
        }
      }
    }
  } catch (error) {
    errors.push(error);
  }
  return { requests, errors };
}

function isExpected(error: unknown): boolean {
  return error instanceof FramingError || error instanceof MalformedRequest;
}

describe('whatever a client sends', () => {
  test('random bytes make nothing but requests, FramingError and MalformedRequest', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
        expect(consume(chunks).errors.filter((error) => !isExpected(error))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('random bodies in good frames make nothing but requests and MalformedRequest', () => {
    const type = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(200), fc.nat({ max: 255 }));
    const body = fc.tuple(type, fc.uint8Array({ maxLength: 120 }));
    fc.assert(
      fc.property(fc.array(body, { maxLength: 10 }), (bodies) => {
        const { requests, errors } = consume(bodies.map(([kind, rest]) => packet(kind, Buffer.from(rest))));
        expect(errors.filter((error) => !(error instanceof MalformedRequest))).toEqual([]);
        expect(requests.length + errors.length).toBe(bodies.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('a good request with some bytes changed makes nothing but a request or the two errors', () => {
    const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(sent, fc.array(change, { minLength: 1, maxLength: 4 }), ({ bytes }, changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, value] of changes) changed[at % changed.length] = value;
        expect(consume([changed]).errors.filter((error) => !isExpected(error))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('every request comes through as it was sent, however the stream is cut', () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(sent, { minLength: 1, maxLength: 6 }), cuts, (all, fractions) => {
        const stream = Buffer.concat(all.map(({ bytes }) => bytes));
        const at = fractions.map((fraction) => Math.round(fraction * stream.length)).sort((a, b) => a - b);
        const chunks = [0, ...at].map((from, index) => stream.subarray(from, at[index] ?? stream.length));
        const { requests, errors } = consume(chunks);
        expect(errors).toEqual([]);
        expect(requests).toEqual(all.map(({ request }) => request));
      }),
      { numRuns: 300 },
    );
  });
});
