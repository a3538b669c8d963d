import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeIn, readTable } from '../support/markdown-tables.ts';

const COLUMNS = ['Who', 'Wants', 'Is stopped by', 'Shown by'];
const rows = readTable(
  new URL('../../docs/security.md', import.meta.url),
  '## Who, and what stops them',
  COLUMNS,
);

test('every row of the threat model names a test that there is', () => {
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const named = codeIn(row['Shown by']);
    expect(named, row['Wants']).not.toEqual([]);
    for (const path of named) {
      expect(existsSync(new URL(`../${path}`, import.meta.url)), path).toBe(true);
    }
  }
});
