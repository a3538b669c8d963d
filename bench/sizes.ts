const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

export const KiB = 2 ** 10;
export const MiB = 2 ** 20;
export const GiB = 2 ** 30;

/**
 * `2GiB`, `64MiB`, `4KiB` or a number of bytes.
 * @throws Error saying what would be right.
 */
export function parseSize(text: string): number {
  const match = /^(\d+)\s*(|B|KiB|MiB|GiB)$/.exec(text);
  if (match === null) throw new Error(`"${text}" is no size; write it like 2GiB, 64MiB or 4KiB`);
  return Number(match[1]) * (UNITS[match[2] as string] as number);
}

export function formatSize(bytes: number): string {
  const unit = ['GiB', 'MiB', 'KiB'].find((name) => bytes > 0 && bytes % (UNITS[name] as number) === 0);
  return unit === undefined ? `${bytes} B` : `${bytes / (UNITS[unit] as number)} ${unit}`;
}
