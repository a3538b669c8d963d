import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { footOf, type Heading, writeResult } from '../../bench/report.ts';
import { barsOf, circumstances } from '../../bench/reports/bars.ts';
import { type Bar, drawPlot, ticksUpTo } from '../../bench/reports/plot.ts';
import { MACHINE } from './machine.ts';

const bar = (name: string, median: number, min = median, max = median): Bar => ({
  name,
  value: { median, min, max },
  label: `${median} s`,
  isOurs: false,
});

const draw = (bars: readonly Bar[], foot: readonly string[] = []) =>
  drawPlot({ title: 'a & b', axis: 'Seconds', groups: [{ label: '', bars }], foot });

const widths = (svg: string) =>
  [...svg.matchAll(/<rect x="\d+" .*?width="([\d.]+)"/g)].map(([, w]) => Number(w));

describe('a plot', () => {
  test('has bars as long as their medians, from zero', () => {
    const [first = 0, second = 0] = widths(draw([bar('a', 5), bar('b', 2.5)]));
    expect(first).toBeGreaterThan(100);
    expect(second * 2).toBeCloseTo(first, 0);
  });

  test('has room for the most of all runs, which a line marks', () => {
    const of = (svg: string) => svg.match(/<line/g)?.length ?? 0;
    const [alone, wide] = [draw([bar('a', 5)]), draw([bar('a', 5, 4, 10)])];
    expect(widths(wide)[0]).toBeCloseTo((widths(alone)[0] ?? 0) / 2, 0);
    expect(of(wide) - ticksUpTo(10).length).toBe(of(alone) - ticksUpTo(5).length + 3);
  });

  test('writes what it is given as text, and breaks what is too long for a line', () => {
    const svg = draw([bar('<script>', 1)], [`${'word '.repeat(40)}end`]);
    expect(svg).toContain('>a &amp; b</text>');
    expect(svg).toContain('>&lt;script&gt;</text>');
    expect(svg).not.toContain('<script');
    expect(svg.match(/>\s*word /g)).toHaveLength(2);
  });

  test.each([
    [0, [0, 1]],
    [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [6.5, [0, 2, 4, 6, 8]],
    [5000, [0, 1000, 2000, 3000, 4000, 5000]],
  ])('has round ticks up to %d', (most, ticks) => {
    expect(ticksUpTo(most).map((tick) => Number(tick.toFixed(9)))).toEqual(ticks);
  });
});

test('bars are compared with the reference; a target without runs has none', () => {
  const series = [
    { target: 'sluice-fork', seconds: 3 },
    { target: 'sshd', seconds: 2 },
    { target: 'rclone', seconds: undefined },
  ];
  const summary = (median: number) => ({ median, min: median, max: median });
  const options = { reference: 'sshd', unit: 's', digits: 1 };
  const bars = barsOf(
    series,
    ({ seconds }) => (seconds === undefined ? undefined : summary(seconds)),
    options,
  );
  expect(bars.map(({ name, label, isOurs }) => [name, label, isOurs])).toEqual([
    ['sluice-fork', '3.0 s, 1.50 × sshd', true],
    ['sshd', '2.0 s', false],
  ]);
});

test('a title says what is far away, and nothing else', () => {
  expect(circumstances({ latencyMs: 0, roundTripMs: 0 })).toBe('');
  expect(circumstances({ latencyMs: 20, roundTripMs: 50 })).toBe(', 50 ms round trip, S3 after 20 ms');
});

describe('a result', () => {
  const report: Heading = {
    scenario: 'many',
    date: '2026-01-02T03:04:05.000Z',
    commandLine: 'npm run bench -- many',
    note: 'a note',
    machine: MACHINE,
  };
  const machine =
    'a CPU, 2 cores, 8 GiB; Linux 6, Node v20, OpenSSH_9.2p1; commit abc; load before the start 0.5.';
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'results-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('is written as JSON, as Markdown and as SVG by one name', async () => {
    const names = await writeResult(report, { table: '| a |', plot: '<svg/>' }, folder);
    expect(names).toEqual(['2026-01-02-many.json', '2026-01-02-many.md', '2026-01-02-many.svg']);
    const [json = '', md, svg] = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    expect(JSON.parse(json)).toEqual(report);
    expect(md).toBe(
      `# many, 2026-01-02\n\n\`npm run bench -- many\`\n\na note\n\n![many](2026-01-02-many.svg)\n\n| a |\n\n${machine}\n`,
    );
    expect(svg).toBe('<svg/>');
  });

  test('takes no name of which anything is there already', async () => {
    await writeResult(report, { table: 'first', plot: '<svg/>' }, folder);
    await rm(join(folder, '2026-01-02-many.json'));
    const names = await writeResult(report, { table: 'second' }, folder);
    expect(names).toEqual(['2026-01-02-many-2.json', '2026-01-02-many-2.md']);
    expect((await readdir(folder)).sort()).toEqual([
      '2026-01-02-many-2.json',
      '2026-01-02-many-2.md',
      '2026-01-02-many.md',
      '2026-01-02-many.svg',
    ]);
  });

  test('has a plot that says where and how', () => {
    expect(footOf(report)).toEqual([`2026-01-02, ${machine}`, 'npm run bench -- many']);
  });
});
