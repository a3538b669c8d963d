import type { RecordedSpan, RecordedTrace } from '../../contract/activity.ts';

/** Spans of one name in a row below one parent: of more, the first ones and the last are shown until somebody asks. */
const RUN_SHOWN = 6;

export interface SpanRow {
  readonly kind: 'span';
  readonly key: string;
  readonly span: RecordedSpan;
  /** 1 for the root. */
  readonly level: number;
  /** Shares of the whole trace, 0 to 1. */
  readonly from: number;
  readonly to: number;
  readonly startsAfterMs: number;
  readonly lastsMs: number;
}

export interface FoldRow {
  readonly kind: 'fold';
  readonly key: string;
  readonly level: number;
  readonly name: string;
  readonly count: number;
  /** Of these, how many failed. */
  readonly failed: number;
}

export interface TraceTree {
  readonly rows: readonly (SpanRow | FoldRow)[];
  readonly totalMs: number;
}

/**
 * A trace as the lines of a waterfall, parents before their children, these in the order in which they began. Long runs are
 * folded unless their key is in `unfolded`. Spans whose parent was not kept stand below the root.
 */
export function toTraceTree(
  { spans }: RecordedTrace,
  nowMs: number,
  unfolded: ReadonlySet<string> = new Set(),
): TraceTree {
  const known = new Map(spans.map((span) => [span.spanId, span]));
  const root = spans.find(({ parentSpanId }) => parentSpanId === undefined) ?? spans[0];
  if (root === undefined) return { rows: [], totalMs: 0 };
  const endOf = ({ startMs, endMs }: RecordedSpan) => endMs ?? Math.max(nowMs, startMs);
  const start = Math.min(...spans.map(({ startMs }) => startMs));
  const totalMs = Math.max(Math.max(...spans.map(endOf)) - start, 0.001);

  const children = new Map<string, RecordedSpan[]>();
  for (const span of known.values()) {
    if (span === root) continue;
    const parent =
      span.parentSpanId !== undefined && known.has(span.parentSpanId) ? span.parentSpanId : root.spanId;
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  for (const siblings of children.values()) siblings.sort((a, b) => a.startMs - b.startMs);

  const rows: (SpanRow | FoldRow)[] = [];
  const addSpan = (span: RecordedSpan, level: number): void => {
    rows.push({
      kind: 'span',
      key: span.spanId,
      span,
      level,
      from: (span.startMs - start) / totalMs,
      to: (endOf(span) - start) / totalMs,
      startsAfterMs: span.startMs - start,
      lastsMs: endOf(span) - span.startMs,
    });
    for (const run of runsOf(children.get(span.spanId) ?? [])) addRun(run, level + 1);
  };
  const addRun = (run: readonly RecordedSpan[], level: number): void => {
    const [first] = run;
    const key = `fold ${first?.spanId}`;
    const folded = unfolded.has(key) || run.length <= RUN_SHOWN + 1 ? [] : run.slice(RUN_SHOWN - 1, -1);
    for (const span of run) {
      if (!folded.includes(span)) addSpan(span, level);
      else if (span === folded[0]) {
        const failed = folded.filter(({ error }) => error !== undefined).length;
        rows.push({ kind: 'fold', key, level, name: span.name, count: folded.length, failed });
      }
    }
  };
  addSpan(root, 1);
  return { rows, totalMs };
}

/** Spans of the same name that follow each other. */
function runsOf(spans: readonly RecordedSpan[]): RecordedSpan[][] {
  const runs: RecordedSpan[][] = [];
  for (const span of spans) {
    const last = runs.at(-1);
    if (last?.[0]?.name === span.name) last.push(span);
    else runs.push([span]);
  }
  return runs;
}

/** The failure that the others follow from: of the failed spans the one that lies deepest and came first. */
export function findCause({ rows }: TraceTree): SpanRow | undefined {
  const failed = rows.filter((row): row is SpanRow => row.kind === 'span' && row.span.error !== undefined);
  return failed.toSorted((a, b) => b.level - a.level || a.startsAfterMs - b.startsAfterMs)[0];
}
