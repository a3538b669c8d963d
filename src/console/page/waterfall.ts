import type { RecordedTrace } from '../../contract/activity.ts';
import { element, KeyedRows, type Row, setAttribute, setText } from './dom.ts';
import { formatDuration } from './format.ts';
import { toRemarks } from './remarks.ts';
import { spanDetails } from './span-details.ts';
import { type FoldRow, type SpanRow, type TraceTree, toTraceTree } from './trace-tree.ts';

type Line = SpanRow | FoldRow | { readonly kind: 'details'; readonly key: string; readonly of: SpanRow };

const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** A trace as a table: one line a span, its bar beside its numbers, what is known of it behind its name. */
export class Waterfall {
  readonly node: HTMLElement;
  readonly #ticks: readonly HTMLElement[];
  readonly #rows: KeyedRows<Line>;
  readonly #leftOut = element('p', { class: 'hint' });
  readonly #opened = new Set<string>();
  readonly #unfolded = new Set<string>();
  #redraw: () => void = () => undefined;
  /** What it shows. */
  tree: TraceTree = { rows: [], totalMs: 0 };

  constructor() {
    this.#ticks = TICKS.map((share) => element('span', { class: 'tick', 'data-share': String(share) }));
    const body = element('tbody');
    this.node = element(
      'div',
      { class: 'scroll' },
      element(
        'table',
        { class: 'trace' },
        element('caption', { class: 'unseen' }, 'Operations of the trace, parents before their children'),
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            element('th', { scope: 'col' }, 'Operation'),
            element('th', { scope: 'col', class: 'number' }, 'Start'),
            element('th', { scope: 'col', class: 'number' }, 'Duration'),
            element(
              'th',
              { scope: 'col', class: 'timeline' },
              element('span', { class: 'unseen' }, 'Timeline'),
              ...this.#ticks,
            ),
            element('th', { scope: 'col' }, 'Remarks'),
          ),
        ),
        body,
      ),
      this.#leftOut,
    );
    this.#rows = new KeyedRows<Line>(
      body,
      ({ key }) => key,
      (line) => {
        if (line.kind === 'span') return this.#spanRow(line);
        return line.kind === 'fold' ? this.#foldRow(line) : detailsRow(line.key);
      },
    );
  }

  show(trace: RecordedTrace, nowMs: number): void {
    this.#redraw = () => this.show(trace, nowMs);
    const tree = toTraceTree(trace, nowMs, this.#unfolded);
    this.tree = tree;
    for (const [index, tick] of this.#ticks.entries())
      setText(tick, index === 0 ? '0' : formatDuration(tree.totalMs * (TICKS[index] ?? 0)));
    this.#rows.show(
      tree.rows.flatMap((row): Line[] =>
        row.kind === 'span' && this.#opened.has(row.key)
          ? [row, { kind: 'details', key: detailsId(row.key), of: row }]
          : [row],
      ),
    );
    const { leftOut } = trace;
    this.#leftOut.hidden = leftOut === 0;
    setText(this.#leftOut, `${leftOut} more operations in the middle of this trace were not kept.`);
  }

  #spanRow({ key, span, level }: SpanRow): Row<Line> {
    const button = element(
      'button',
      { type: 'button', class: 'span-name', 'aria-controls': detailsId(key) },
      span.name,
    );
    button.addEventListener('click', () => {
      if (!this.#opened.delete(key)) this.#opened.add(key);
      this.#redraw();
    });
    const name = element('th', { scope: 'row', class: 'operation' }, unseenLevel(level), button);
    name.style.setProperty('--level', String(level));
    const start = element('td', { class: 'number dim' });
    const duration = element('td', { class: 'number' });
    const bar = element('span', { class: 'bar' });
    const remarks = element('td', { class: 'remarks' });
    const track = element('span', { class: 'track', 'aria-hidden': 'true' }, bar);
    const node = element(
      'tr',
      { 'data-level': String(level) },
      name,
      start,
      duration,
      element('td', { class: 'timeline' }, track),
      remarks,
    );
    const update = (line: Line): void => {
      if (line.kind !== 'span') return;
      const state =
        line.span.error !== undefined ? 'failed' : line.span.endMs === undefined ? 'running' : undefined;
      setAttribute(node, 'data-state', state ?? (line.level === 1 ? 'root' : undefined));
      setAttribute(button, 'aria-expanded', String(this.#opened.has(key)));
      setText(start, `+${formatDuration(line.startsAfterMs)}`);
      setText(duration, state === 'running' ? 'running' : formatDuration(line.lastsMs));
      bar.style.left = `${line.from * 100}%`;
      bar.style.width = `${(line.to - line.from) * 100}%`;
      setText(remarks, toRemarks(line.span));
    };
    return { node, update };
  }

  #foldRow({ key, level }: FoldRow): Row<Line> {
    const button = element('button', { type: 'button', class: 'fold' });
    button.addEventListener('click', () => {
      this.#unfolded.add(key);
      this.#redraw();
    });
    const cell = element('td', { colspan: '5', class: 'operation' }, unseenLevel(level), button);
    cell.style.setProperty('--level', String(level));
    const update = (line: Line): void => {
      if (line.kind !== 'fold') return;
      const failed = line.failed === 0 ? '' : `, ${line.failed} of them failed`;
      setText(button, `Show ${line.count} more of ${line.name}${failed}`);
    };
    return { node: element('tr', { class: 'folded' }, cell), update };
  }
}

function detailsRow(id: string): Row<Line> {
  const cell = element('td', { colspan: '5' });
  let shown: unknown;
  const update = (line: Line): void => {
    if (line.kind !== 'details' || shown === line.of.span) return;
    shown = line.of.span;
    cell.replaceChildren(spanDetails(line.of.span));
  };
  return { node: element('tr', { class: 'details', id }, cell), update };
}

/** A table has no levels for those who cannot see how far a line is indented. */
function unseenLevel(level: number): HTMLElement {
  return element('span', { class: 'unseen' }, `Level ${level}: `);
}

function detailsId(spanId: string): string {
  return `details-${spanId}`;
}
