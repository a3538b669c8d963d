import { createHash } from 'node:crypto';
import type { MessageAttributeValue, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import type { JobsConfig } from '../config/load.ts';
import { escapeUnit } from '../contract/json.ts';
import type { JobEvent } from './event.ts';

/**
 * Largest message that every queue takes, in bytes, attributes included. SQS itself takes 1 MiB by now, queues that
 * were set to less and other implementations do not
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
 */
export const MAX_MESSAGE_BYTES = 256 * 1024;

export interface Message {
  readonly entry: Omit<SendMessageBatchRequestEntry, 'Id'>;
  /** As SQS counts them: the body, and names, types and values of its attributes. */
  readonly bytes: number;
}

/**
 * The SQS message of an event. What consumers filter by stands beside the body, as message attributes, and the trace
 * context too, once more as `AWSTraceHeader` for X-Ray.
 */
export function toMessage(event: JobEvent, group: JobsConfig['groupBy'] | undefined): Message {
  const prefix = toPrefix(event);
  const attributes = toAttributes({
    type: event.type,
    username: event.data.username,
    prefix,
    contentType: 'application/cloudevents+json',
    traceparent: event.traceparent,
    tracestate: event.tracestate,
  });
  const body = toBody(event);
  const xray = event.traceparent === undefined ? undefined : toXRayHeader(event.traceparent);
  return {
    entry: {
      MessageBody: body,
      MessageAttributes: attributes,
      ...(xray === undefined ? {} : { MessageSystemAttributes: { AWSTraceHeader: toText(xray) } }),
      ...(group === undefined
        ? {}
        : {
            MessageGroupId: toGroupId(group === 'principal' ? event.data.username : prefix),
            MessageDeduplicationId: event.id,
          }),
    },
    bytes: Buffer.byteLength(body) + sizeOf(attributes),
  };
}

/** What stands in the object's key before the names that it ends in as the client's path does: the prefix of the tenant, or of a folder. */
function toPrefix({ data }: JobEvent): string {
  const [names, key] = [data.path.split('/').slice(1), data.key.split('/')];
  let same = 0;
  while (same < Math.min(names.length, key.length) && names.at(-1 - same) === key.at(-1 - same)) same += 1;
  return same === 0 || same === key.length ? '' : `${key.slice(0, -same).join('/')}/`;
}

/**
 * JSON, without the two characters that SQS takes in no form but an escaped one; JSON escapes the other ones itself
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html). Those past U+FFFF are escaped too:
 * SQS takes them, some that play it do not.
 */
function toBody(event: JobEvent): string {
  return JSON.stringify(event).replace(/[\ud800-\udfff\ufffe\uffff]/g, escapeUnit);
}

/** Those that have a value which SQS takes: it refuses empty ones and control characters, and the body has them all. */
function toAttributes(
  values: Readonly<Record<string, string | undefined>>,
): Record<string, MessageAttributeValue> {
  const attributes: Record<string, MessageAttributeValue> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '' && isAllowed(value)) attributes[name] = toText(value);
  }
  return attributes;
}

function isAllowed(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that are refused
  return value.isWellFormed() && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(value);
}

function sizeOf(attributes: Readonly<Record<string, MessageAttributeValue>>): number {
  return Object.entries(attributes).reduce(
    (sum, [name, { DataType = '', StringValue = '' }]) =>
      sum + Buffer.byteLength(name) + DataType.length + Buffer.byteLength(StringValue),
    0,
  );
}

/** Group ids are 1 to 128 letters, digits and punctuation marks; another name stands there by its digest. */
function toGroupId(name: string): string {
  if (/^[\x21-\x7e]{1,128}$/.test(name)) return name;
  return createHash('sha256').update(name).digest('hex');
}

function toText(value: string): MessageAttributeValue & { DataType: 'String' } {
  return { DataType: 'String', StringValue: value };
}

/** https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader */
function toXRayHeader(traceparent: string): string | undefined {
  const [, traceId, spanId, flags] = traceparent.split('-');
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const sampled = Number.parseInt(flags, 16) & 1;
  return `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Parent=${spanId};Sampled=${sampled}`;
}
