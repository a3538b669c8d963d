import { SpanStatusCode } from '@opentelemetry/api';
import { formatBytes, type Paint } from './format.ts';
import { attributeOf, type EndedSpan } from './trace-collector.ts';

const BAR_COLUMNS = 40;

/** Spans of one name below one parent that are drawn one by one; of more, the first ones and the last. */
const SIBLINGS_SHOWN = 4;

interface Row {
  readonly label: string;
  readonly span: EndedSpan | undefined;
}

/** Draws a trace as lines of text: name, bar from start to end, duration, what is worth knowing. */
export function drawWaterfall(spans: readonly EndedSpan[], paint: Paint): string[] {
  const root = spans.find((span) => span.parentSpanContext === undefined);
  if (root === undefined) return [];
  const rows = [...rowsOf(root, spans, 0)];
  const labelColumns = Math.max(...rows.map(({ label }) => label.length));
  const from = milliseconds(root.startTime);
  const total = Math.max(milliseconds(root.endTime) - from, 0.001);
  return rows.map(({ label, span }) => {
    if (span === undefined) return paint('dim', label);
    const start = ((milliseconds(span.startTime) - from) / total) * BAR_COLUMNS;
    const end = ((milliseconds(span.endTime) - from) / total) * BAR_COLUMNS;
    const failed = span.status.code === SpanStatusCode.ERROR;
    const bar = paint(failed ? 'red' : 'cyan', drawBar(start, end));
    const time = `${(milliseconds(span.endTime) - milliseconds(span.startTime)).toFixed(1)} ms`;
    return `${label.padEnd(labelColumns)}  ${bar}  ${time.padStart(10)}  ${paint('dim', remark(span))}`.trimEnd();
  });
}

function* rowsOf(span: EndedSpan, all: readonly EndedSpan[], depth: number): Generator<Row> {
  yield { label: `${'  '.repeat(depth)}${span.name}`, span };
  const children = all
    .filter(({ parentSpanContext }) => parentSpanContext?.spanId === span.spanContext().spanId)
    .sort((a, b) => milliseconds(a.startTime) - milliseconds(b.startTime));
  for (let at = 0; at < children.length; ) {
    const child = children[at] as EndedSpan;
    const run = runLength(children, at);
    const hidden = run > SIBLINGS_SHOWN ? run - SIBLINGS_SHOWN : 0;
    for (let shown = at; shown < at + run; shown++) {
      if (hidden > 0 && shown === at + SIBLINGS_SHOWN - 1) {
        yield { label: `${'  '.repeat(depth + 1)}... ${hidden} more of ${child.name}`, span: undefined };
        shown += hidden;
      }
      yield* rowsOf(children[shown] as EndedSpan, all, depth + 1);
    }
    at += run;
  }
}

/** How many spans of the same name follow each other. */
function runLength(spans: readonly EndedSpan[], from: number): number {
  const end = spans.findIndex((span, index) => index > from && span.name !== spans[from]?.name);
  return (end === -1 ? spans.length : end) - from;
}

function drawBar(start: number, end: number): string {
  const first = Math.min(Math.floor(start), BAR_COLUMNS - 1);
  const columns = Math.min(Math.max(Math.ceil(end) - first, 1), BAR_COLUMNS - first);
  return `${' '.repeat(first)}${'━'.repeat(columns)}${' '.repeat(BAR_COLUMNS - first - columns)}`;
}

function remark(span: EndedSpan): string {
  const bytes = attributeOf(span, 'BYTES');
  const writes = attributeOf(span, 'WRITE_COUNT');
  const result = attributeOf(span, 'RESULT');
  return [
    bytes === undefined ? '' : formatBytes(Number(bytes)),
    writes === undefined ? '' : `${writes} ${writes === '1' ? 'write' : 'writes'}`,
    result === undefined || result === 'ok' ? '' : result,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function milliseconds([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
