import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine } from './machine.ts';
import type { Figures } from './measure/meter.ts';
import { type Summary, summarize } from './measure/statistics.ts';
import { GiB, MiB } from './sizes.ts';

/** The runs of one target with one cipher. */
export interface Series {
  readonly target: string;
  readonly cipher: string;
  readonly runs: readonly Figures[];
}

export interface Report {
  readonly scenario: string;
  readonly date: string;
  readonly commandLine: string;
  readonly note: string | undefined;
  /** Bytes that one run moves. */
  readonly bytes: number;
  readonly machine: Machine;
  readonly series: readonly Series[];
  readonly skipped: readonly { readonly target: string; readonly reason: string }[];
}

/** Whom the others are compared with. */
const REFERENCE = 'sshd';

const RESULTS = fileURLToPath(new URL('./results', import.meta.url));

const COLUMNS = [
  'Target',
  'Cipher',
  'Wall s',
  'CPU s per GiB',
  'Peak RSS MiB',
  `Wall / ${REFERENCE}`,
  `CPU / ${REFERENCE}`,
  'Client CPU s',
  'Sink CPU s',
];

/** Medians with, in parentheses, the least and the most of all runs. */
export function toMarkdown({ series, skipped, bytes }: Report): string {
  const rows = series.map((one) => {
    const { wall, cpuPerGiB, rss, client, sink } = figuresOf(one, bytes);
    const other = series.find(({ target, cipher }) => target === REFERENCE && cipher === one.cipher);
    const reference = other && figuresOf(other, bytes);
    return [
      one.target,
      one.cipher,
      spread(wall, 2),
      spread(cpuPerGiB, 2),
      spread(rss, 0),
      ratio(wall, reference?.wall),
      ratio(cpuPerGiB, reference?.cpuPerGiB),
      middle(client),
      middle(sink),
    ];
  });
  const lines = [COLUMNS, COLUMNS.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const notes = skipped.map(({ target, reason }) => `Skipped: ${target}: ${reason}`);
  return [...lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

/** Writes the report as JSON beside earlier ones, of which none is overwritten; returns the file's name. */
export async function writeJson(report: Report): Promise<string> {
  await mkdir(RESULTS, { recursive: true });
  const stem = `${report.date.slice(0, 10)}-${report.scenario}`;
  let name = `${stem}.json`;
  for (let number = 2; existsSync(join(RESULTS, name)); number++) name = `${stem}-${number}.json`;
  await writeFile(join(RESULTS, name), `${JSON.stringify(report, undefined, 2)}\n`);
  return name;
}

function figuresOf({ runs }: Series, bytes: number) {
  const of = (pick: (figures: Figures) => number | undefined): Summary | undefined =>
    summarize(runs.map(pick).filter((value) => value !== undefined));
  const scaled = (value: number | undefined, factor: number) =>
    value === undefined ? undefined : value * factor;
  return {
    wall: of((figures) => figures.wallSeconds),
    cpuPerGiB: of((figures) => scaled(figures.serverCpuSeconds, GiB / bytes)),
    rss: of((figures) => scaled(figures.serverPeakRssBytes, 1 / MiB)),
    client: of((figures) => figures.clientCpuSeconds),
    sink: of((figures) => figures.sinkCpuSeconds),
  };
}

const NOTHING = '-';

function spread(summary: Summary | undefined, digits: number): string {
  if (summary === undefined) return NOTHING;
  const [median, min, max] = [summary.median, summary.min, summary.max].map((value) => value.toFixed(digits));
  return `${median} (${min} to ${max})`;
}

function middle(summary: Summary | undefined): string {
  return summary?.median.toFixed(2) ?? NOTHING;
}

function ratio(of: Summary | undefined, to: Summary | undefined): string {
  if (of === undefined || to === undefined) return NOTHING;
  return (of.median / to.median).toFixed(2);
}
