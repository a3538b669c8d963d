import type { Heading } from '../report.ts';
import type { LoneRun, LoneWork } from '../scenarios/lone.ts';
import { spread, table } from './table.ts';

export interface LoneReport extends Heading, LoneWork {
  readonly run: LoneRun;
}

/** The medians with, in parentheses, the least and the most; the ratio is that of each pair. */
export function loneTable({ run: { batching, without, ratio } }: Pick<LoneReport, 'run'>): string {
  return table(
    ['ms per file', 'without batching', 'ratio of a pair'],
    [[spread(batching, 2), spread(without, 2), spread(ratio, 2)]],
  );
}
