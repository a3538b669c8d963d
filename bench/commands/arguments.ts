import { InvalidArgumentError } from 'commander';
import { KiB, parseSize } from '../sizes.ts';

// Parsers of options for commander, which shows what they throw beside the option's name.

export function toSize(text: string): number {
  try {
    return parseSize(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

export function toCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/** More than none of one processor, and no more than all. */
export function toShare(text: string): number {
  const share = /^\d*\.?\d+$/.test(text) ? Number(text) : 0;
  if (share <= 0 || share > 1) throw new InvalidArgumentError('It must be above 0, and 1 at most.');
  return share;
}

export function toList(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

export function toCounts(text: string): number[] {
  return toList(text).map((count) => toCount(count));
}

/** For an option that may be given again and again: `NAME=VALUE`, a later one over an earlier of that name. */
export function toEnv(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write it like NAME=VALUE.');
  return { ...before, [name]: value };
}

/** Of a file that one WRITE takes. */
export function toSmallSize(text: string): number {
  const size = toSize(text);
  if (size > 255 * KiB) throw new InvalidArgumentError('It must be 255 KiB at most.');
  return size;
}
