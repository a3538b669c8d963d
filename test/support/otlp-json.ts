/** The JSON form of OTLP, as what tests look at (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). */

export type AttributeValue =
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | null
  | readonly AttributeValue[]
  | { readonly [name: string]: AttributeValue };

export type Attributes = Readonly<Record<string, AttributeValue>>;

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const STATUS_CODES = ['UNSET', 'OK', 'ERROR'] as const;

export interface ReceivedSpan {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Undefined for a root span. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly events: readonly {
    readonly name: string;
    readonly timeUnixNano: bigint;
    readonly attributes: Attributes;
  }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: Attributes;
  }[];
  readonly status: { readonly code: (typeof STATUS_CODES)[number]; readonly message: string | undefined };
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string | undefined };
}

export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge' | 'histogram';
  readonly points: readonly {
    readonly attributes: Attributes;
    /** Of a histogram the sum of its values. */
    readonly value: number;
    /** Of a histogram: how many values there were. */
    readonly count: number | undefined;
  }[];
}

/** What is wrong with a request, and the status to answer it with. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface JsonKeyValue {
  readonly key: string;
  readonly value?: JsonAnyValue;
}

interface JsonAnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number | 'NaN' | 'Infinity' | '-Infinity';
  readonly arrayValue?: { readonly values?: readonly JsonAnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly JsonKeyValue[] };
  readonly bytesValue?: string;
}

interface JsonSpan {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly kind?: number;
  readonly startTimeUnixNano?: string | number;
  readonly endTimeUnixNano?: string | number;
  readonly attributes?: readonly JsonKeyValue[];
  readonly events?: readonly {
    readonly name?: string;
    readonly timeUnixNano?: string;
    readonly attributes?: readonly JsonKeyValue[];
  }[];
  readonly links?: readonly {
    readonly traceId?: string;
    readonly spanId?: string;
    readonly attributes?: readonly JsonKeyValue[];
  }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

interface JsonTraceRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly JsonKeyValue[] };
    readonly scopeSpans?: readonly {
      readonly scope?: { readonly name?: string; readonly version?: string };
      readonly spans?: readonly JsonSpan[];
    }[];
  }[];
}

export function toSpans(request: unknown): ReceivedSpan[] {
  const { resourceSpans = [] } = request as JsonTraceRequest;
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        ...toSpan(span),
        resource: toAttributes(resource?.attributes),
        scope: { name: scope?.name ?? '', version: scope?.version || undefined },
      })),
    ),
  );
}

interface JsonPoint {
  readonly attributes?: readonly JsonKeyValue[];
  readonly asDouble?: number;
  readonly asInt?: string | number;
  readonly count?: string | number;
  readonly sum?: number;
}

interface JsonMetric {
  readonly name?: string;
  readonly unit?: string;
  readonly sum?: { readonly dataPoints?: readonly JsonPoint[] };
  readonly gauge?: { readonly dataPoints?: readonly JsonPoint[] };
  readonly histogram?: { readonly dataPoints?: readonly JsonPoint[] };
}

export function toMetrics(request: unknown): ReceivedMetric[] {
  const { resourceMetrics = [] } = request as {
    readonly resourceMetrics?: readonly {
      readonly scopeMetrics?: readonly { readonly metrics?: readonly JsonMetric[] }[];
    }[];
  };
  return resourceMetrics
    .flatMap(({ scopeMetrics = [] }) => scopeMetrics)
    .flatMap(({ metrics = [] }) => metrics)
    .map((metric) => {
      const kind = metric.histogram !== undefined ? 'histogram' : metric.sum !== undefined ? 'sum' : 'gauge';
      const points = (metric[kind]?.dataPoints ?? []).map((point) => ({
        attributes: toAttributes(point.attributes),
        value: Number(point.asDouble ?? point.asInt ?? point.sum ?? 0),
        count: point.count === undefined ? undefined : Number(point.count),
      }));
      return { name: metric.name ?? '', unit: metric.unit ?? '', kind, points };
    });
}

function toSpan(span: JsonSpan): Omit<ReceivedSpan, 'resource' | 'scope'> {
  return {
    traceId: checkedId(span.traceId, 32),
    spanId: checkedId(span.spanId, 16),
    parentSpanId: span.parentSpanId ? checkedId(span.parentSpanId, 16) : undefined,
    name: span.name ?? '',
    kind: named(KINDS, span.kind),
    startTimeUnixNano: BigInt(span.startTimeUnixNano ?? 0),
    endTimeUnixNano: BigInt(span.endTimeUnixNano ?? 0),
    attributes: toAttributes(span.attributes),
    events: (span.events ?? []).map((event) => ({
      name: event.name ?? '',
      timeUnixNano: BigInt(event.timeUnixNano ?? 0),
      attributes: toAttributes(event.attributes),
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: checkedId(link.traceId, 32),
      spanId: checkedId(link.spanId, 16),
      attributes: toAttributes(link.attributes),
    })),
    status: { code: named(STATUS_CODES, span.status?.code), message: span.status?.message || undefined },
  };
}

function checkedId(id: string | undefined, digits: number): string {
  const form = new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`, 'i');
  if (id !== undefined && form.test(id)) return id.toLowerCase();
  throw new Refusal(400, `an id is not ${digits} hex digits: ${id}`);
}

function named<Name>(names: readonly Name[], code = 0): Name {
  const name = names[code];
  if (name === undefined) throw new Refusal(400, `an enumeration has no value ${code}`);
  return name;
}

function toAttributes(list: readonly JsonKeyValue[] = []): Attributes {
  return Object.fromEntries(list.map(({ key, value }) => [key, toValue(value ?? {})]));
}

function toValue(value: JsonAnyValue): AttributeValue {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) {
    const integer = BigInt(value.intValue);
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
  }
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(toValue);
  if (value.kvlistValue !== undefined) return toAttributes(value.kvlistValue.values);
  return value.bytesValue === undefined ? null : Buffer.from(value.bytesValue, 'base64');
}
