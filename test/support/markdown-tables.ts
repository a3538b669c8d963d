import { readFileSync } from 'node:fs';

export type Row = Readonly<Record<string, string>>;

/** The rows of the first table that follows a heading of a document, by the names of their columns. */
export function readTable(document: URL, heading: string, columns: readonly string[]): Row[] {
  const lines = readFileSync(document, 'utf8').split('\n');
  const from = lines.indexOf(heading);
  const header = `| ${columns.join(' | ')} |`;
  const start = lines.indexOf(header, from);
  if (from < 0 || start < 0) throw new Error(`no table "${header}" below "${heading}"`);
  const rows: Row[] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith('|')) break;
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    rows.push(Object.fromEntries(columns.map((column, index) => [column, (cells[index] ?? '').trim()])));
  }
  return rows;
}

/** What stands between backticks. */
export function codeIn(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}
