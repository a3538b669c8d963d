import {
  type Context,
  context,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { bytesTakenIn } from './first-bytes.ts';
import { Attribute, SpanName } from './instruments.ts';
import type { Metrics } from './meter.ts';
import { fromTraceContext } from './trace-context.ts';

type Service = 'S3' | 'SQS' | 'STS';
type Input = Readonly<Record<string, unknown>>;

/** As much of an AWS SDK client as is needed here. */
export interface AwsClient {
  send(command: { readonly input: object }, options?: object): Promise<object>;
}

/** Has every call of a client traced and measured. */
export type ObserveAwsCalls = (client: AwsClient, service: Service) => void;

interface ResponseMetadata {
  readonly httpStatusCode?: number;
  readonly requestId?: string;
  readonly attempts?: number;
}

/** Of the input, as what (OpenTelemetry's conventions for S3 and SQS). */
const INPUT_ATTRIBUTES: readonly (readonly [field: string, attribute: string])[] = [
  ['Bucket', Attribute.BUCKET],
  ['Key', Attribute.KEY],
  ['UploadId', 'aws.s3.upload_id'],
  ['PartNumber', 'aws.s3.part_number'],
  ['CopySource', 'aws.s3.copy_source'],
  ['QueueUrl', 'aws.sqs.queue.url'],
];

const METRICS = {
  S3: 'sluice.s3.call.duration',
  SQS: 'sluice.sqs.call.duration',
  STS: 'sluice.sts.call.duration',
} as const satisfies Record<Service, string>;

/** "Not there" and "not that one any more" are answers that were asked for. */
const ANSWERS = new Set([304, 404, 412]);

const BRINGS_BYTES = new Set(['PutObject', 'UploadPart']);

/**
 * A CLIENT span around each call of an AWS SDK client, all its attempts together, below what it belongs to
 * (https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/), and how long it took. Why this is not the community's
 * instrumentation: docs/adr/0010-aws-calls.md.
 */
export function observeAwsCalls(tracer: Tracer, metrics: Metrics): ObserveAwsCalls {
  return (client, service) => {
    const metric = METRICS[service];
    const send = client.send.bind(client);
    client.send = async (command, options) => {
      const input = command.input as Input;
      const method = command.constructor.name.replace(/Command$/, '');
      const [parent, links] = belongsTo(input);
      const span = tracer.startSpan(
        SpanName.awsCall(service, method),
        { kind: SpanKind.CLIENT, links },
        parent,
      );
      if (span.isRecording()) describe(span, service, method, input);
      const onBytesTaken = BRINGS_BYTES.has(method) ? bytesTakenIn(parent) : undefined;
      const startedAt = performance.now();
      const finish = (fault?: string) => {
        span.end();
        const attributes = {
          'rpc.method': method,
          ...(fault === undefined ? {} : { 'error.type': fault }),
        };
        metrics.record(metric, (performance.now() - startedAt) / 1000, attributes);
      };
      try {
        const output = await send(command, options);
        describeAnswer(span, output);
        finish();
        onBytesTaken?.();
        return output;
      } catch (error) {
        describeAnswer(span, error);
        finish(fail(span, error, service));
        throw error;
      }
    };
  };
}

function describe(span: Span, service: Service, method: string, input: Input): void {
  span.setAttribute('rpc.system', 'aws-api');
  span.setAttribute('rpc.service', service);
  span.setAttribute('rpc.method', method);
  for (const [field, name] of INPUT_ATTRIBUTES) {
    const value = input[field];
    if (typeof value === 'string' || typeof value === 'number') span.setAttribute(name, value);
  }
  const { Entries } = input;
  if (Array.isArray(Entries)) span.setAttribute('messaging.batch.message_count', Entries.length);
}

/**
 * The context that a call belongs to: that of the moment. Messages that go together have one each, that of their `traceparent`: the
 * call is part of the first one's, and linked to the others.
 */
function belongsTo({ Entries }: Input): readonly [parent: Context, links: Link[]] {
  if (!Array.isArray(Entries)) return [context.active(), []];
  const senders = Entries.flatMap((entry: Entry) => {
    const traceparent = entry.MessageAttributes?.['traceparent']?.StringValue;
    const sender = traceparent === undefined ? undefined : fromTraceContext({ traceparent });
    return sender === undefined ? [] : [sender];
  });
  const [parent = context.active(), ...others] = senders;
  const links = others.flatMap((sender) => {
    const span = trace.getSpanContext(sender);
    return span === undefined ? [] : [{ context: span }];
  });
  return [parent, links];
}

interface Entry {
  readonly MessageAttributes?: Readonly<Record<string, { readonly StringValue?: string }>>;
}

function describeAnswer(span: Span, answer: unknown): void {
  const { $metadata } = (answer ?? {}) as { readonly $metadata?: ResponseMetadata };
  if ($metadata === undefined) return;
  const { httpStatusCode, requestId, attempts = 1 } = $metadata;
  if (httpStatusCode !== undefined) span.setAttribute('http.response.status_code', httpStatusCode);
  if (requestId !== undefined) span.setAttribute('aws.request_id', requestId);
  if (attempts > 1) span.setAttribute('http.request.resend_count', attempts - 1);
}

/** What it failed of; undefined when that was an answer, or nobody waited for one any more. */
function fail(span: Span, error: unknown, service: Service): string | undefined {
  const { $metadata, name = 'Error' } = error as {
    readonly $metadata?: ResponseMetadata;
    readonly name?: string;
  };
  if (ANSWERS.has($metadata?.httpStatusCode ?? 0)) return undefined;
  // S3 is left alone when a client has gone. SQS is when it has taken too long.
  if (name === 'AbortError' && service === 'S3') return undefined;
  span.setAttribute('error.type', name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : name });
  span.recordException(error instanceof Error ? error : String(error));
  return name;
}
