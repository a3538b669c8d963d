import { createHash } from 'node:crypto';

export interface Summary {
  /** Line breaks, as `wc -l` counts. */
  readonly lines: number;
  /** In hex, as `sha256sum` prints it. */
  readonly sha256: string;
}

/** The work of this example. Yours goes here. */
export async function summarize(bytes: AsyncIterable<Buffer>): Promise<Summary> {
  const sha256 = createHash('sha256');
  let lines = 0;
  for await (const chunk of bytes) {
    sha256.update(chunk);
    for (let at = chunk.indexOf('\n'); at !== -1; at = chunk.indexOf('\n', at + 1)) lines += 1;
  }
  return { lines, sha256: sha256.digest('hex') };
}
