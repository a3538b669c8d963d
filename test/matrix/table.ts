import { readFileSync, writeFileSync } from 'node:fs';
import { type Row, readTable } from '../support/markdown-tables.ts';
import type { Driver } from './client.ts';

export const DOCUMENT = new URL('../../docs/clients.md', import.meta.url);
const HEADING = '## What works';

/** What is found out about each client, a column each. */
export const FINDINGS = [
  'Upload',
  'Cut off: nothing is left',
  'Download',
  'List',
  'Rename',
  'Make folder, delete',
  'Resume: cut-off upload',
  'Resume: shorter file',
  'Resume: download',
] as const;
export type Finding = (typeof FINDINGS)[number];

const COLUMNS = ['Client', 'Version', 'Login', ...FINDINGS, 'Notes'] as const;

/** The client has no way to do it. */
export const NONE = '–';
const FAILED = 'fails';

/** What came out for one client; a finding that failed once stays so, and one that was never made has none. */
export class Findings {
  readonly #cells = new Map<Finding, string>();

  /** Wraps a test: what it returns is the finding ('yes' for nothing), an error is a failure. */
  of<A extends readonly unknown[]>(finding: Finding, test: (...args: A) => Promise<string | undefined>) {
    return async (...args: A): Promise<void> => {
      const earlier = this.#cells.get(finding);
      this.#cells.set(finding, FAILED);
      const cell = (await test(...args)) ?? 'yes';
      this.#cells.set(finding, earlier === FAILED ? FAILED : cell);
    };
  }

  row({ name, login, notes }: Driver, version: string): Row {
    const cells = FINDINGS.map((finding) => [finding, this.#cells.get(finding) ?? NONE]);
    return { Client: name, Version: version, Login: login, ...Object.fromEntries(cells), Notes: notes };
  }
}

/** The rows of docs/clients.md. */
export function readRows(): Row[] {
  return readTable(DOCUMENT, HEADING, COLUMNS);
}

/** A client may be another one here than when the table was written: what it does must be the same. */
export function withoutVersion({ Version: _, ...rest }: Row): Row {
  return rest;
}

/** Puts these rows in place of those of the same clients; the others stay. `order` is that of the whole table. */
export function writeRows(rows: readonly Row[], order: readonly string[]): void {
  const known = new Map([...readRows(), ...rows].map((row) => [row['Client'], row]));
  const sorted = order.map((name) => known.get(name)).filter((row) => row !== undefined);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    line(COLUMNS),
    line(COLUMNS.map(() => '---')).replaceAll(' ', ''),
    ...sorted.map((row) => line(COLUMNS.map((column) => row[column] ?? ''))),
  ];
  const lines = readFileSync(DOCUMENT, 'utf8').split('\n');
  const start = lines.indexOf(line(COLUMNS), lines.indexOf(HEADING));
  const length = lines.slice(start).findIndex((text) => !text.startsWith('|'));
  lines.splice(start, length, ...table);
  writeFileSync(DOCUMENT, lines.join('\n'));
}
