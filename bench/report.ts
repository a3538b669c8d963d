import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inOneLine, type Machine } from './machine.ts';

/** What every result begins with. */
export interface Heading {
  readonly scenario: string;
  readonly date: string;
  readonly commandLine: string;
  readonly note: string | undefined;
  readonly machine: Machine;
}

/** What a result says besides its JSON. */
export interface Presentation {
  /** In Markdown. */
  readonly table: string;
  /** An SVG document. */
  readonly plot?: string | undefined;
}

const RESULTS = fileURLToPath(new URL('./results', import.meta.url));

const KINDS = ['json', 'md', 'svg'] as const;

/**
 * Writes a result beside earlier ones, of which none is overwritten: as JSON, as Markdown and, where there is a plot, as SVG, by
 * one name. Returns the files' names.
 */
export async function writeResult(
  report: Heading,
  presentation: Presentation,
  folder = RESULTS,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const { plot } = presentation;
  const first = `${report.date.slice(0, 10)}-${report.scenario}`;
  let stem = first;
  for (let number = 2; KINDS.some((kind) => existsSync(join(folder, `${stem}.${kind}`))); number++) {
    stem = `${first}-${number}`;
  }
  const files = {
    [`${stem}.json`]: `${JSON.stringify(report, undefined, 2)}\n`,
    [`${stem}.md`]: markdownOf(report, presentation, `${stem}.svg`),
    ...(plot === undefined ? {} : { [`${stem}.svg`]: plot }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return Object.keys(files);
}

function markdownOf(report: Heading, { table, plot }: Presentation, plotFile: string): string {
  const { scenario, date, commandLine, note, machine } = report;
  const paragraphs = [
    `# ${scenario}, ${date.slice(0, 10)}`,
    `\`${commandLine}\``,
    ...(note === undefined ? [] : [note]),
    ...(plot === undefined ? [] : [`![${scenario}](${plotFile})`]),
    table,
    inOneLine(machine),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

/** What a plot says of where it comes from. */
export function footOf({ commandLine, date, machine }: Heading): string[] {
  return [`${date.slice(0, 10)}, ${inOneLine(machine)}`, commandLine];
}
