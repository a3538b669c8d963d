import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { UploadFinishedEvent } from '../../../src/jobs/event.ts';
import { encodeCrc32 } from '../../support/strict-s3/checksums.ts';
import type { StoredObject } from '../../support/strict-s3/store.ts';

/** What tells one content from every other. */
export interface Digest {
  readonly size: number;
  /** As S3 writes it. */
  readonly crc32: string;
  readonly sha256: string;
}

/** To a request: `lost` when no answer came. */
export type Answer = 'ok' | 'refused' | 'lost';

/** One file as its client saw it. No two have the same path and content; those of one path follow each other. */
export interface SentUpload extends Digest {
  /** The name that it is to have in the end. */
  readonly path: string;
  /** The name that it is sent under, when that is another: it is renamed then. */
  readonly temporary?: string;
  /** Undefined unless CLOSE was sent, which is after every byte. */
  closed?: Answer;
  /** Undefined unless RENAME was sent. */
  renamed?: Answer;
  /** When CLOSE was sent, and how long its answer took, in milliseconds. */
  closeAt?: number;
  closeMs?: number;
}

/** An object in the moment in which it came to exist. */
export interface StoredVersion extends Digest {
  /** Its place among everything that was observed. */
  readonly order: number;
  readonly key: string;
  readonly etag: string;
}

/** A job in the moment in which it was received. */
export interface ReceivedJob {
  readonly order: number;
  readonly id: string;
  readonly key: string;
  readonly path: string;
  readonly etag: string | null;
  readonly size: number;
  readonly crc32: string | undefined;
  /** Milliseconds, as those of the uploads. */
  readonly at: number;
}

/** Everything that clients sent, S3 stored and the consumer of the jobs received, in its order. */
export class Journal {
  readonly uploads: SentUpload[] = [];
  readonly versions: StoredVersion[] = [];
  readonly jobs: ReceivedJob[] = [];
  #order = 0;

  stored({ key, etag, body }: StoredObject): void {
    this.versions.push({ order: this.#order++, key, etag: unquoted(etag), ...digest(body) });
  }

  received({ id, data: { key, path, etag, size, checksum } }: UploadFinishedEvent): void {
    const order = this.#order++;
    this.jobs.push({
      order,
      id,
      key,
      path,
      etag: etag === null ? null : unquoted(etag),
      size,
      crc32: checksum?.value,
      at: performance.now(),
    });
  }
}

export function digest(bytes: Buffer): Digest {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { size: bytes.length, crc32: encodeCrc32(crc32(bytes)), sha256 };
}

/** One upload, as a job names it to those who have not seen it. */
export function identity(item: Pick<SentUpload | ReceivedJob, 'path' | 'size' | 'crc32'>): string {
  return JSON.stringify([item.path, item.size, item.crc32]);
}

/** Whether the client was told, by the last answer that it waited for, that the file is delivered. */
export function isAcknowledged({ temporary, closed, renamed }: SentUpload): boolean {
  return (temporary === undefined ? closed : renamed) === 'ok';
}

/** Whether the server has been asked to give the file its final name. */
export function mayBeDelivered({ temporary, closed, renamed }: SentUpload): boolean {
  return (temporary === undefined ? closed : renamed) !== undefined;
}

const unquoted = (etag: string) => etag.replaceAll('"', '');
