/**
 * Reads the protobuf form of ExportTraceServiceRequest into the JSON form, so that one translation serves both.
 * Field numbers: opentelemetry-proto v1, trace.proto, common.proto, resource.proto.
 * Wire format: https://protobuf.dev/programming-guides/encoding/
 */

export type Value = bigint | number | Buffer;

/** What a field holds, by its number: the JSON name and how its bytes are read. */
interface Field {
  readonly name: string;
  readonly read: (value: Value) => unknown;
  readonly repeated?: boolean;
}

type Message = Readonly<Record<number, Field>>;

class ProtobufError extends Error {}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** The fields of a message, in their order: their numbers and what they hold. */
export function* fieldsOf(message: Buffer): Generator<[number, Value]> {
  let at = 0;
  const take = (length: number) => {
    if (at + length > message.length) throw new ProtobufError('the message ends within a field');
    at += length;
    return message.subarray(at - length, at);
  };
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = take(1).readUInt8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError('a varint is longer than ten bytes');
  };
  while (at < message.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    const number = tag >>> 3;
    if (wireType === VARINT) yield [number, varint()];
    else if (wireType === FIXED64) yield [number, take(8)];
    else if (wireType === BYTES) yield [number, take(Number(varint()))];
    else if (wireType === FIXED32) yield [number, take(4).readUInt32LE()];
    else throw new ProtobufError(`wire type ${wireType} is not known`);
  }
}

function bytes(value: Value): Buffer {
  if (Buffer.isBuffer(value)) return value;
  throw new ProtobufError('a length-delimited field was expected');
}

const text = (value: Value): string => {
  const source = bytes(value);
  const decoded = source.toString('utf8');
  if (Buffer.byteLength(decoded) !== source.length) throw new ProtobufError('a string is not UTF-8');
  return decoded;
};
const hex = (value: Value): string => bytes(value).toString('hex');
const base64 = (value: Value): string => bytes(value).toString('base64');
const fixed64 = (value: Value): string => bytes(value).readBigUInt64LE().toString();
const double = (value: Value): number => bytes(value).readDoubleLE();
const int64 = (value: Value): string => BigInt.asIntN(64, BigInt(value as bigint)).toString();
const number = (value: Value): number => Number(value);
const bool = (value: Value): boolean => value !== 0n;

const message =
  (shape: () => Message) =>
  (value: Value): Record<string, unknown> => {
    const result: Record<string, unknown> = {};
    for (const [fieldNumber, content] of fieldsOf(bytes(value))) {
      const field = shape()[fieldNumber];
      if (field === undefined) continue;
      const item = field.read(content);
      result[field.name] = field.repeated ? [...((result[field.name] as unknown[]) ?? []), item] : item;
    }
    return result;
  };

const KEY_VALUE_LIST: Message = { 1: { name: 'values', read: message(() => KEY_VALUE), repeated: true } };
const ARRAY_VALUE: Message = { 1: { name: 'values', read: message(() => ANY_VALUE), repeated: true } };
const ANY_VALUE: Message = {
  1: { name: 'stringValue', read: text },
  2: { name: 'boolValue', read: bool },
  3: { name: 'intValue', read: int64 },
  4: { name: 'doubleValue', read: double },
  5: { name: 'arrayValue', read: message(() => ARRAY_VALUE) },
  6: { name: 'kvlistValue', read: message(() => KEY_VALUE_LIST) },
  7: { name: 'bytesValue', read: base64 },
};
const KEY_VALUE: Message = {
  1: { name: 'key', read: text },
  2: { name: 'value', read: message(() => ANY_VALUE) },
};
const attributes: Field = { name: 'attributes', read: message(() => KEY_VALUE), repeated: true };
const EVENT: Message = {
  1: { name: 'timeUnixNano', read: fixed64 },
  2: { name: 'name', read: text },
  3: attributes,
};
const LINK: Message = {
  1: { name: 'traceId', read: hex },
  2: { name: 'spanId', read: hex },
  4: attributes,
};
const STATUS: Message = {
  2: { name: 'message', read: text },
  3: { name: 'code', read: number },
};
const SPAN: Message = {
  1: { name: 'traceId', read: hex },
  2: { name: 'spanId', read: hex },
  4: { name: 'parentSpanId', read: hex },
  5: { name: 'name', read: text },
  6: { name: 'kind', read: number },
  7: { name: 'startTimeUnixNano', read: fixed64 },
  8: { name: 'endTimeUnixNano', read: fixed64 },
  9: attributes,
  11: { name: 'events', read: message(() => EVENT), repeated: true },
  13: { name: 'links', read: message(() => LINK), repeated: true },
  15: { name: 'status', read: message(() => STATUS) },
};
const SCOPE: Message = {
  1: { name: 'name', read: text },
  2: { name: 'version', read: text },
};
const SCOPE_SPANS: Message = {
  1: { name: 'scope', read: message(() => SCOPE) },
  2: { name: 'spans', read: message(() => SPAN), repeated: true },
};
const RESOURCE_SPANS: Message = {
  1: { name: 'resource', read: message(() => ({ 1: attributes })) },
  2: { name: 'scopeSpans', read: message(() => SCOPE_SPANS), repeated: true },
};

/** Throws when the body is not protobuf, or its fields are not of the types that they should be. */
export const readTraceRequest = message(() => ({
  1: { name: 'resourceSpans', read: message(() => RESOURCE_SPANS), repeated: true },
}));
