import type { Heading } from '../report.ts';
import type { PaceOptions, PaceRun } from '../scenarios/pace.ts';
import { mebibytes, table } from './table.ts';

export interface PaceReport extends Heading, PaceOptions {
  readonly runs: readonly PaceRun[];
}

export function paceTable({ runs, bytesPerSecond }: Pick<PaceReport, 'runs' | 'bytesPerSecond'>): string {
  return table(
    ['', 'Connections', 'MiB', 'Asked MiB/s', 'Wall s', 'Kept / asked'],
    runs.map(({ direction, sessions, bytes, seconds, ratio }) => [
      direction,
      String(sessions),
      mebibytes(bytes),
      mebibytes(bytesPerSecond),
      seconds.toFixed(2),
      ratio.toFixed(3),
    ]),
  );
}
