import { expect, test } from 'vitest';
import { entryName, ListingCheck } from '../../bench/scenarios/entries.ts';

function check(lines: readonly string[], entries: number): void {
  const listing = new ListingCheck();
  for (const line of lines) listing.line(line);
  listing.assertComplete(entries);
}

const names = [0, 1, 2].map(entryName);

test('names with their folder, and long lines, are complete with each entry once', () => {
  check(['sftp> ls -1 -f in', ...names.map((name) => `in/${name}`)], 3);
  check(
    names.map((name) => `-rw-r--r--    1 bench    bench           0 Jan  1 12:00 ${name}`),
    3,
  );
});

test('an entry that is missing, doubled or unknown is told', () => {
  expect(() => check(names.slice(1), 3)).toThrow('2 lines for 3 entries, of which 1 are missing');
  expect(() => check([...names, names[0] as string], 3)).toThrow(
    '4 lines for 3 entries, of which 0 are missing',
  );
  expect(() => check([...names.slice(1), 'other.csv'], 3)).toThrow('3 lines for 3 entries, of which 1 are');
});
