import type { Answer } from './server.ts';

type Fields = Readonly<Record<string, string>>;

/** A document of one level: fields, and elements that are XML already. A trailing number is the status. */
export function xml(root: string, ...content: readonly (Fields | string | number)[]): Answer {
  const status = content.find((item) => typeof item === 'number') ?? 200;
  const inner = content.map((item) => {
    if (typeof item === 'number') return '';
    return typeof item === 'string' ? item : elements(item);
  });
  const body = `<?xml version="1.0" encoding="UTF-8"?><${root}>${inner.join('')}</${root}>`;
  return { status, headers: { 'content-type': 'application/xml' }, body };
}

/** An element for each field. */
export function elements(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`)
    .join('');
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const ENTITIES: Fields = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

/** What stands in each element of that name, in order; requests of the SDK do not nest one in itself. */
export function textsOf(document: string, name: string): string[] {
  return [...document.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, text = '']) => text);
}
