/**
 * Reads JSON that may hold secrets.
 * @throws SyntaxError that says where the fault is, if that is known, and shows nothing of the text: the message of
 * `JSON.parse` quotes what stands around it.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = / in JSON at position (\d+)/.exec((error as Error).message)?.[1];
    throw new SyntaxError(`it is not JSON${position === undefined ? '' : whereIs(text, Number(position))}`);
  }
}

function whereIs(text: string, position: number): string {
  const lines = text.slice(0, position).split('\n');
  return ` (line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1})`;
}

/** One UTF-16 code unit as JSON may write any: `\u` and four hexadecimal digits (RFC 8259, section 7). */
export function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
