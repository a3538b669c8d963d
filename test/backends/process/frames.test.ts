import { expect, test } from 'vitest';
import type { Message } from '../../../src/backends/process/channel.ts';
import { FrameReader, toFrame } from '../../../src/backends/process/frames.ts';

const MESSAGES: readonly Message[] = [
  { id: 1, op: 'file_info', path: '/ä' },
  { id: 2, op: 'write_chunk', upload: 1, offset: 0, bytes: Buffer.from([0, 1, 255]) },
  { id: 3, ok: null },
];

/** A frame as it stands on the wire. */
function frame(header: number, payload: number, ...rest: readonly Uint8Array[]): Buffer {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(header, 0);
  lengths.writeUInt32BE(payload, 4);
  return Buffer.concat([lengths, ...rest]);
}

function readAll(frames: FrameReader, chunk: Buffer): Message[] {
  return [...frames.read(chunk)];
}

test('a frame is two lengths, the header in JSON and the payload', () => {
  const json = Buffer.from('{"id":2}');
  expect(Buffer.concat(toFrame({ id: 2, bytes: Buffer.from('xyz') }))).toEqual(
    frame(8, 3, json, Buffer.from('xyz')),
  );
  expect(Buffer.concat(toFrame({ id: 2 }))).toEqual(frame(8, 0, json));
});

test.each([1, 2, 7, 8, 9, 1000])('messages are read from pieces of %d bytes as they were sent', (size) => {
  const stream = Buffer.concat(MESSAGES.flatMap(toFrame));
  const frames = new FrameReader();
  const read: Message[] = [];
  for (let at = 0; at < stream.length; at += size)
    read.push(...readAll(frames, stream.subarray(at, at + size)));
  expect(read).toEqual(MESSAGES);
});

test.each([
  ['a header that is too large', frame(2 ** 24 + 1, 0), /header of 16777217 bytes/],
  ['a payload that is too large', frame(2, 2 ** 26 + 1), /payload of 67108865 bytes/],
  ['a header that is no JSON', frame(3, 0, Buffer.from('{x}')), /JSON/],
  ['a header that is no object', frame(4, 0, Buffer.from('null')), /no JSON object/],
])('%s is refused, before it has come', (_, bytes, message) => {
  expect(() => readAll(new FrameReader(), bytes)).toThrow(message);
});
