/** The head of an HTTP/1.1 response whose body has a length that is known (RFC 9112, sections 4 to 6). */
export interface AnswerHead {
  readonly statusCode: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body, in bytes. */
  readonly contentLength: number;
  /** Whether another request may be sent by the same connection. */
  readonly keepsConnection: boolean;
}

const END_OF_HEAD = '\r\n\r\n';

/** Where the body begins, in bytes; -1 when the head is not there as a whole. */
export function endOfHead(bytes: Buffer): number {
  const at = bytes.indexOf(END_OF_HEAD);
  return at === -1 ? -1 : at + END_OF_HEAD.length;
}

/**
 * Reads a head strictly: whatever leaves a doubt about where the body ends is an error.
 *
 * @param text all of the head
 */
export function parseAnswerHead(text: string): AnswerHead {
  const [statusLine = '', ...lines] = text.slice(0, -END_OF_HEAD.length).split('\r\n');
  const status = /^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined) throw new Error('the store did not answer by HTTP/1.1');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined)
      throw new Error('the store sent a header line that is none');
    const lower = name.toLowerCase();
    headers[lower] = headers[lower] === undefined ? value : `${headers[lower]}, ${value}`;
  }
  const length = headers['content-length'] ?? '';
  if (
    !/^\d{1,15}$/.test(length) ||
    headers['transfer-encoding'] !== undefined ||
    status === '204' ||
    status === '304'
  )
    throw new Error('the store did not say how much it would send');
  const keepsConnection = !/\bclose\b/i.test(headers['connection'] ?? '');
  return { statusCode: Number(status), headers, contentLength: Number(length), keepsConnection };
}
