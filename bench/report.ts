import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Machine } from './machine.ts';

/** What every result begins with. */
export interface Heading {
  readonly scenario: string;
  readonly date: string;
  readonly commandLine: string;
  readonly note: string | undefined;
  readonly machine: Machine;
}

const RESULTS = fileURLToPath(new URL('./results', import.meta.url));

/** Writes a result as JSON beside earlier ones, of which none is overwritten; returns the file's name. */
export async function writeJson(report: Heading): Promise<string> {
  await mkdir(RESULTS, { recursive: true });
  const stem = `${report.date.slice(0, 10)}-${report.scenario}`;
  let name = `${stem}.json`;
  for (let number = 2; existsSync(join(RESULTS, name)); number++) name = `${stem}-${number}.json`;
  await writeFile(join(RESULTS, name), `${JSON.stringify(report, undefined, 2)}\n`);
  return name;
}
