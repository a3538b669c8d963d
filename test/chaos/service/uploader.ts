import { type Account, Connection, RefusedError } from '../../../bench/driver/connection.ts';
import { GeneratedContent } from '../../../bench/driver/content.ts';
import { KiB } from '../../clients/ssh2-client.ts';
import { type Answer, digest, type Journal, type SentUpload } from './journal.ts';
import type { PlannedUpload } from './plan.ts';

const WRITE_BYTES = 32 * KiB;

/** What an upload has behind it. */
export type Milestone = 'opened' | 'halfway' | 'sent';

export interface UploaderOptions {
  /** Makes its contents differ from those of every other. */
  readonly name: string;
  readonly journal: Journal;
  readonly next: () => PlannedUpload;
  /** Reached by every upload, nothing of it unanswered; it goes on when this resolves. */
  readonly pass?: (milestone: Milestone) => Promise<void>;
}

/** A client that uploads one file after the other, and keeps a journal of what it is told. */
export class Uploader {
  readonly #options: UploaderOptions;
  #sent = 0;

  constructor(options: UploaderOptions) {
    this.#options = options;
  }

  /** Resolves when the server is gone, or when the file is finished during which `stop` was aborted. */
  async run(account: Account, stop?: AbortSignal): Promise<void> {
    while (!stop?.aborted) {
      const connection = await Connection.login(account).catch(() => undefined);
      if (connection === undefined) return;
      try {
        while (!stop?.aborted) await this.#upload(connection);
      } catch (error) {
        if (!(error instanceof RefusedError)) return;
      } finally {
        connection.end();
      }
    }
  }

  async #upload(connection: Connection): Promise<void> {
    const { name, journal, next, pass = async () => undefined } = this.#options;
    const { path, temporary, size } = next();
    const bytes = Buffer.alloc(size);
    new GeneratedContent(`${name} ${this.#sent++}`).fill(bytes);
    const upload: SentUpload = { path, ...(temporary === undefined ? {} : { temporary }), ...digest(bytes) };
    journal.uploads.push(upload);
    await send(connection, upload, bytes, pass);
  }
}

async function send(
  connection: Connection,
  upload: SentUpload,
  bytes: Buffer,
  pass: NonNullable<UploaderOptions['pass']>,
): Promise<void> {
  const { path, temporary } = upload;
  const handle = await connection.open(temporary ?? path);
  await pass('opened');
  const half = Math.floor(bytes.length / 2);
  await writeRange(connection, handle, bytes, 0, half);
  await pass('halfway');
  await writeRange(connection, handle, bytes, half, bytes.length);
  await pass('sent');
  // Until it is answered, nobody knows whether the server has done it.
  upload.closed = 'lost';
  upload.closeAt = performance.now();
  upload.closed = await answerTo(connection.close(handle));
  upload.closeMs = performance.now() - upload.closeAt;
  if (temporary === undefined || upload.closed !== 'ok') return;
  upload.renamed = 'lost';
  upload.renamed = await answerTo(connection.rename(temporary, path));
}

async function writeRange(
  connection: Connection,
  handle: string,
  bytes: Buffer,
  start: number,
  end: number,
): Promise<void> {
  for (let at = start; at < end; at += WRITE_BYTES) {
    const piece = bytes.subarray(at, Math.min(at + WRITE_BYTES, end));
    await connection.write(handle, at, piece.length, (data) => void data.set(piece));
  }
  await connection.settled();
}

async function answerTo(request: Promise<void>): Promise<Answer> {
  try {
    await request;
    return 'ok';
  } catch (error) {
    if (error instanceof RefusedError) return 'refused';
    throw error;
  }
}
