import type { RecordedSpan } from '../../contract/activity.ts';
import { formatBytes, type Paint } from './format.ts';
import { attributeOf } from './upload-traces.ts';

const BAR_COLUMNS = 40;

/** Spans of one name below one parent that are drawn one by one; of more, the first ones and the last. */
const SIBLINGS_SHOWN = 4;

interface Row {
  readonly label: string;
  readonly span: RecordedSpan | undefined;
}

/** Draws a trace as lines of text: name, bar from start to end, duration, what is worth knowing. */
export function drawWaterfall(spans: readonly RecordedSpan[], paint: Paint): string[] {
  const root = spans.find((span) => span.parentSpanId === undefined);
  if (root === undefined) return [];
  const rows = [...rowsOf(root, spans, 0)];
  const labelColumns = Math.max(...rows.map(({ label }) => label.length));
  const from = root.startMs;
  const total = Math.max(endOf(root) - from, 0.001);
  return rows.map(({ label, span }) => {
    if (span === undefined) return paint('dim', label);
    const start = ((span.startMs - from) / total) * BAR_COLUMNS;
    const end = ((endOf(span) - from) / total) * BAR_COLUMNS;
    const bar = paint(span.error === undefined ? 'cyan' : 'red', drawBar(start, end));
    const time = `${(endOf(span) - span.startMs).toFixed(1)} ms`;
    return `${label.padEnd(labelColumns)}  ${bar}  ${time.padStart(10)}  ${paint('dim', remark(span))}`.trimEnd();
  });
}

function* rowsOf(span: RecordedSpan, all: readonly RecordedSpan[], depth: number): Generator<Row> {
  yield { label: `${'  '.repeat(depth)}${span.name}`, span };
  const children = all
    .filter(({ parentSpanId }) => parentSpanId === span.spanId)
    .sort((a, b) => a.startMs - b.startMs);
  for (let at = 0; at < children.length; ) {
    const child = children[at] as RecordedSpan;
    const run = runLength(children, at);
    const hidden = run > SIBLINGS_SHOWN ? run - SIBLINGS_SHOWN : 0;
    for (let shown = at; shown < at + run; shown++) {
      if (hidden > 0 && shown === at + SIBLINGS_SHOWN - 1) {
        yield { label: `${'  '.repeat(depth + 1)}... ${hidden} more of ${child.name}`, span: undefined };
        shown += hidden;
      }
      yield* rowsOf(children[shown] as RecordedSpan, all, depth + 1);
    }
    at += run;
  }
}

/** How many spans of the same name follow each other. */
function runLength(spans: readonly RecordedSpan[], from: number): number {
  const end = spans.findIndex((span, index) => index > from && span.name !== spans[from]?.name);
  return (end === -1 ? spans.length : end) - from;
}

function drawBar(start: number, end: number): string {
  const first = Math.min(Math.floor(start), BAR_COLUMNS - 1);
  const columns = Math.min(Math.max(Math.ceil(end) - first, 1), BAR_COLUMNS - first);
  return `${' '.repeat(first)}${'━'.repeat(columns)}${' '.repeat(BAR_COLUMNS - first - columns)}`;
}

function remark(span: RecordedSpan): string {
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

/** Of one that goes on: nothing is known to have lasted. */
function endOf({ startMs, endMs }: RecordedSpan): number {
  return endMs ?? startMs;
}
