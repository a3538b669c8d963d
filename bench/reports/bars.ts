import type { Summary } from '../measure/statistics.ts';
import type { Bar } from './plot.ts';
import { ratio } from './table.ts';

export interface BarOptions {
  /** The target that the others are compared with. */
  readonly reference: string;
  readonly unit: string;
  /** After the point. */
  readonly digits: number;
}

/** A bar for each target, with its figure and what that is of the reference's; none for a target without figures. */
export function barsOf<Series extends { readonly target: string }>(
  series: readonly Series[],
  figureOf: (one: Series) => Summary | undefined,
  { reference, unit, digits }: BarOptions,
): Bar[] {
  const other = series.find(({ target }) => target === reference);
  const compared = other && figureOf(other);
  return series.flatMap((one) => {
    const value = figureOf(one);
    if (value === undefined) return [];
    const times = one === other ? undefined : ratio(value, compared);
    const label = `${value.median.toFixed(digits)} ${unit}${times === undefined ? '' : `, ${times} × ${reference}`}`;
    return [{ name: one.target, value, label, isOurs: one.target.startsWith('sluice') }];
  });
}

/** How far away S3 and the servers are, for a title. */
export function circumstances(report: { readonly latencyMs: number; readonly roundTripMs: number }): string {
  const { latencyMs, roundTripMs } = report;
  return [
    ...(roundTripMs > 0 ? [`, ${roundTripMs} ms round trip`] : []),
    ...(latencyMs > 0 ? [`, S3 after ${latencyMs} ms`] : []),
  ].join('');
}
