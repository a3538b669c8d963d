import type { Series } from './series.ts';

export type Unit = 'seconds' | 'bytes' | 'bytes a second' | 'a second' | 'count' | 'share' | 'cores';

export interface Panel {
  readonly title: string;
  /** What to make of it: shown with the panel. */
  readonly description: string;
  readonly unit: Unit;
  readonly series: readonly Series[];
  /** Lines lie on top of each other, so that their height is the whole. */
  readonly stacked?: true;
  /** From here on it is a matter of concern, and marked as one. */
  readonly concern?: number;
}

export interface Section {
  readonly title: string;
  /** One number each, in large print. */
  readonly numbers?: readonly Panel[];
  readonly panels: readonly Panel[];
}
