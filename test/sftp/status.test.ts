import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { STATUS_OF } from '../../src/sftp/status.ts';
import { StatusCode } from '../../src/sftp/wire/constants.ts';

test('docs/errors.md has the very table that clients are answered by', async () => {
  const names = Object.fromEntries(Object.entries(StatusCode).map(([name, code]) => [code, name]));
  const rows = Object.entries(STATUS_OF).map(
    ([code, [status, sentence]]) => `| \`${code}\` | ${names[status]} | ${sentence} |`,
  );
  const documented = (await readFile('docs/errors.md', 'utf8')).split('\n');
  expect(documented.filter((line) => line.startsWith('| `E'))).toEqual(rows);
});
