import type { FiguresWithRequests } from '../measure/meter.ts';
import { type Summary, summarize } from '../measure/statistics.ts';
import { MiB } from '../sizes.ts';
import type { Skipped } from '../targets/target.ts';

/** In place of a figure that could not be had. */
export const NOTHING = '-';

/** A Markdown table; an undefined cell is a figure that could not be had. */
export function table(
  columns: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const lines = [columns, columns.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell ?? NOTHING).join(' | ')} |`).join('\n');
}

/** One figure of several runs, times a factor, without the runs in which it could not be had. */
export function summaryOf<Run>(
  runs: readonly Run[],
  pick: (run: Run) => number | undefined,
  factor = 1,
): Summary | undefined {
  const values = runs.map(pick).filter((value) => value !== undefined);
  return summarize(values.map((value) => value * factor));
}

/** Of medians. */
export function ratio(of: Summary | undefined, to: Summary | undefined): string | undefined {
  return of === undefined || to === undefined ? undefined : (of.median / to.median).toFixed(2);
}

/** The median with, in parentheses, the least and the most. */
export function spread(summary: Summary | undefined, digits: number): string | undefined {
  if (summary === undefined) return undefined;
  const [median, min, max] = [summary.median, summary.min, summary.max].map((value) => value.toFixed(digits));
  return `${median} (${min} to ${max})`;
}

export function middle(summary: Summary | undefined): string | undefined {
  return summary?.median.toFixed(2);
}

export function fixed(value: number | undefined, digits: number): string | undefined {
  return value?.toFixed(digits);
}

/** Bytes as whole MiB. */
export function mebibytes(bytes: number | undefined): string | undefined {
  return fixed(bytes === undefined ? undefined : bytes / MiB, 0);
}

/** Below a table: what was not measured, and why. */
export function skippedLines(skipped: readonly Skipped[]): string[] {
  const lines = skipped.map(({ target, reason }) => `Skipped: ${target}: ${reason}`);
  return lines.length > 0 ? ['', ...lines] : [];
}

/** Below a table: what each server asked for, by its last run; `shown` leaves out what is not worth a word. */
export function requestLines(
  title: string,
  asked: readonly { readonly name: string; readonly runs: readonly FiguresWithRequests[] }[],
  shown: (count: number) => string | undefined,
): string[] {
  const lines = asked.flatMap(({ name, runs }) => {
    const counts = Object.entries(runs.at(-1)?.requests ?? {}).flatMap(([operation, count]) => {
      const figure = shown(count);
      return figure === undefined ? [] : [`${operation} ${figure}`];
    });
    return counts.length === 0 ? [] : [`- ${name}: ${counts.join(', ')}`];
  });
  return lines.length > 0 ? ['', title, '', ...lines] : [];
}
