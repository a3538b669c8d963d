import type { DirectoryEntry } from '../../contract/types.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const HALF_A_YEAR_SECONDS = 365.25 * 43_200;

/**
 * The `ls -l` line of an entry, in the form section 7 recommends: mode, links, owner, group, size, date, name.
 * Like `ls`, the date has the time of day for the last half year and the year otherwise; always in UTC.
 */
export function toLongname(entry: DirectoryEntry, owner: string, nowSeconds = Date.now() / 1000): string {
  const mode = modeString(entry);
  const links = entry.type === 'directory' ? 2 : 1;
  const size = String(entry.size).padStart(12);
  const user = owner.padEnd(8);
  return `${mode} ${String(links).padStart(4)} ${user} ${user} ${size} ${date(entry.mtime, nowSeconds)} ${entry.name}`;
}

function modeString({ type, mode }: DirectoryEntry): string {
  let text = type === 'directory' ? 'd' : '-';
  for (let bit = 8; bit >= 0; bit--) text += mode & (1 << bit) ? 'rwx'[(8 - bit) % 3] : '-';
  return text;
}

function date(seconds: number, nowSeconds: number): string {
  const when = new Date(seconds * 1000);
  const day = `${MONTHS[when.getUTCMonth()]} ${String(when.getUTCDate()).padStart(2)}`;
  const recent = Math.abs(nowSeconds - seconds) < HALF_A_YEAR_SECONDS;
  return recent ? `${day} ${when.toISOString().slice(11, 16)}` : `${day}  ${when.getUTCFullYear()}`;
}
