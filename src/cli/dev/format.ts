import { escapeUnit } from '../../contract/json.ts';

const CODES = { bold: 1, dim: 2, red: 31, green: 32, cyan: 36 } as const;

/** Colours a text for a terminal, or leaves it alone where there is none. */
export type Paint = (style: keyof typeof CODES, text: string) => string;

export function createPaint(stream: { readonly isTTY?: boolean; hasColors?(): boolean }): Paint {
  const colours = stream.isTTY === true && stream.hasColors?.() === true;
  return (style, text) => (colours ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.5 MiB` */
export function formatBytes(bytes: number): string {
  const exponent = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** exponent;
  return `${exponent === 0 ? value : value.toFixed(1)} ${UNITS[exponent]}`;
}

/**
 * A text that somebody else has chosen, without what a terminal would obey or be confused by: control characters, and those that turn
 * the direction of writing (Unicode Standard Annex 9). They are shown as JSON has them.
 */
export function toPlain(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, escapeUnit);
}
