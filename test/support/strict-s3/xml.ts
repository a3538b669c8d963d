/** The little XML that S3 speaks: elements and text; no attributes but xmlns, no comments, no CDATA. */

export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Control characters go out as references, as S3 sends them: a parser would fold a bare CR into a newline. */
export function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is being escaped
  return text.replace(/[&<>"\x00-\x08\x0b-\x1f]/g, (char) => ENTITIES[char] ?? `&#${char.charCodeAt(0)};`);
}

/** An element holding escaped text (a string, number or boolean) or elements already rendered (an array). */
export function element(name: string, content: string | number | boolean | readonly string[]): string {
  const inner = Array.isArray(content) ? content.join('') : escapeXml(String(content));
  return `<${name}>${inner}</${name}>`;
}

/** The element, or nothing where there is no value. */
export function optional(name: string, content: string | number | undefined): string {
  return content === undefined ? '' : element(name, content);
}

export function document(name: string, children: readonly string[]): string {
  const namespace = name === 'Error' ? '' : ` xmlns="${NAMESPACE}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}${namespace}>${children.join('')}</${name}>`;
}

const TOKEN = /<(\/?)([A-Za-z][\w.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;

/** What XML 1.0 has no way to write, by a reference neither (https://www.w3.org/TR/xml/#charsets). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const UNWRITABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** Parses a whole document; undefined when it is not well-formed. */
export function parseXml(source: string): XmlElement | undefined {
  if (UNWRITABLE.test(source)) return undefined;
  const body = source.replace(/^\s*<\?xml[^>]*\?>/, '').trim();
  const root = { name: '', children: [] as XmlElement[], text: '' };
  const open = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < body.length) {
    const token = TOKEN.exec(body);
    const current = open.at(-1);
    if (token === null || current === undefined) return undefined;
    const [, closing, name, , selfClosing, text] = token;
    if (text !== undefined) {
      const plain = unescapeXml(text);
      if (plain === undefined) return undefined;
      current.text += plain;
    } else if (closing) {
      if (current.name !== name || open.length === 1) return undefined;
      open.pop();
    } else {
      const child = { name: name ?? '', children: [], text: '' };
      current.children.push(child);
      if (!selfClosing) open.push(child);
    }
  }
  const only = root.children[0];
  return open.length === 1 && root.children.length === 1 && root.text.trim() === '' ? only : undefined;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string | undefined {
  let wellFormed = true;
  const plain = text.replace(/&(?:#x([0-9a-fA-F]+);|#(\d+);|(\w+);)?/g, (_, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    const char = NAMED[name ?? ''];
    if (char === undefined) wellFormed = false;
    return char ?? '';
  });
  return wellFormed && !UNWRITABLE.test(plain) ? plain : undefined;
}

export function childText(parent: XmlElement, name: string): string | undefined {
  return parent.children.find((child) => child.name === name)?.text;
}
