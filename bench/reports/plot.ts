import type { Summary } from '../measure/statistics.ts';
import { escapeXml } from '../sink/xml.ts';

/** Horizontal bars from zero, in groups. */
export interface Plot {
  readonly title: string;
  /** What the bars show, with its unit. */
  readonly axis: string;
  readonly groups: readonly BarGroup[];
  /** Below it all: where, when and how it was measured. */
  readonly foot: readonly string[];
}

export interface BarGroup {
  /** Empty when there is but one. */
  readonly label: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly name: string;
  /** The bar ends at the median; a line across its end goes from the least to the most. */
  readonly value: Summary;
  /** At its end. */
  readonly label: string;
  readonly isOurs: boolean;
}

const WIDTH = 800;
const MARGIN = 24;
const NAMES = 130;
const LABELS = 200;
const LEFT = MARGIN + NAMES;
const SPAN = WIDTH - LEFT - LABELS - MARGIN;
const BAR = 22;
const ROW = 32;
const GROUP_LABEL = 30;
const GROUP_GAP = 10;
const FOOT_LINE = 15;

/** Characters of a line of the foot: what fits at 11 px. */
const FOOT_CHARACTERS = 125;

const COLORS = {
  ...{ ground: '#ffffff', ink: '#1b1f24', quiet: '#57606a', grid: '#d8dee4' },
  ...{ ours: '#0a6bc2', others: '#a3adb8', range: '#24292f' },
};

/** Around text, so that no line of the grid runs through it. */
const HALO = `stroke="${COLORS.ground}" stroke-width="4" paint-order="stroke"`;

const FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';

/** An SVG document; nothing in it is fetched from anywhere. */
export function drawPlot({ title, axis, groups, foot }: Plot): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value.max)), 0);
  const ticks = ticksUpTo(most);
  const end = ticks.at(-1) as number;
  const x = (value: number) => LEFT + (value / end) * SPAN;
  const top = 78;
  let y = top;
  const rows: string[] = [];
  for (const { label, bars } of groups) {
    if (label !== '') {
      rows.push(text(MARGIN, y + 19, label, `font-size="13" font-weight="600" fill="${COLORS.ink}" ${HALO}`));
      y += GROUP_LABEL;
    }
    for (const bar of bars) {
      rows.push(...drawBar(bar, y, x));
      y += ROW;
    }
    y += GROUP_GAP;
  }
  const bottom = y;
  const grid = ticks.flatMap((tick) => [
    line(x(tick), top - 4, x(tick), bottom, `stroke="${COLORS.grid}"`),
    text(x(tick), bottom + 16, shown(tick), `font-size="12" text-anchor="middle" fill="${COLORS.quiet}"`),
  ]);
  const footLines = foot.flatMap(wrapped);
  const footTop = bottom + 46;
  const height = footTop + footLines.length * FOOT_LINE + MARGIN / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ${FONT} role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="${COLORS.ground}"/>`,
    text(MARGIN, 36, title, `font-size="18" font-weight="600" fill="${COLORS.ink}"`),
    text(MARGIN, 58, axis, `font-size="13" fill="${COLORS.quiet}"`),
    ...grid,
    line(LEFT, top - 4, LEFT, bottom, `stroke="${COLORS.quiet}"`),
    ...rows,
    ...footLines.map((words, at) =>
      text(MARGIN, footTop + at * FOOT_LINE, words, `font-size="11" fill="${COLORS.quiet}"`),
    ),
    '</svg>',
    '',
  ].join('\n');
}

function drawBar({ name, value, label, isOurs }: Bar, y: number, x: (value: number) => number): string[] {
  const middle = y + ROW / 2;
  const barTop = middle - BAR / 2;
  const base = middle + 4.5;
  const { median, min, max } = value;
  const range = `stroke="${COLORS.range}" stroke-width="1.5"`;
  const weight = isOurs ? ' font-weight="600"' : '';
  return [
    text(LEFT - 10, base, name, `font-size="13" text-anchor="end"${weight} fill="${COLORS.ink}"`),
    `<rect x="${LEFT}" y="${barTop}" width="${px(x(median) - LEFT)}" height="${BAR}" rx="2" fill="${isOurs ? COLORS.ours : COLORS.others}"/>`,
    ...(max > min
      ? [
          line(x(min), middle, x(max), middle, range),
          ...[min, max].map((edge) => line(x(edge), middle - 5, x(edge), middle + 5, range)),
        ]
      : []),
    text(x(max) + 8, base, label, `font-size="13"${weight} fill="${COLORS.ink}" ${HALO}`),
  ];
}

/** From zero in steps of 1, 2 or 5 times a power of ten, four to eight of them; the last is no less than `most`. */
export function ticksUpTo(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number) * power;
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, at) => at * step);
}

function wrapped(sentence: string): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of sentence.split(' ')) {
    if (current !== '' && current.length + word.length >= FOOT_CHARACTERS) {
      lines.push(current);
      current = '    ';
    }
    current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${px(x)}" y="${px(y)}" ${attributes}>${escapeXml(words)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, attributes: string): string {
  return `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" ${attributes}/>`;
}

const px = (value: number) => String(Math.round(value * 10) / 10);

/** Without the noise of binary fractions. */
const shown = (tick: number) => String(Number(tick.toPrecision(6)));
