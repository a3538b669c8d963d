import { randomUUID } from 'node:crypto';
import { encodeCrc32 } from '../../test/support/strict-s3/checksums.ts';
import { newEtag } from './call.ts';
import { type Extent, join } from './extents.ts';

/** What the sink remembers of an object: where its parts begin and end, not a byte of it. */
export interface SinkObject {
  readonly etag: string;
  readonly extents: readonly Extent[];
  /** Its bytes, of a staging object: the server puts those there to read them again. */
  readonly kept?: Buffer | undefined;
  /** Its bytes are made up when they are read (`madeBytes`). */
  readonly isMade?: boolean;
}

export interface SinkPart extends Extent {
  readonly etag: string;
}

export interface OpenUpload {
  readonly id: string;
  readonly path: string;
  readonly parts: Map<number, SinkPart>;
}

/** An object or a job as it is told to the harness. */
export interface Listed {
  readonly key: string;
  readonly size: number;
  /** In base64, as S3 writes it; null when it is not known. */
  readonly crc32: string | null;
}

/** All that is there, by path: bucket and key with a slash between. A few bytes for each part that came. */
export class SinkStore {
  readonly objects = new Map<string, SinkObject>();
  readonly uploads = new Map<string, OpenUpload>();

  /** Paths of the objects that are made up. */
  readonly made = new Set<string>();

  make(path: string, size: number): void {
    this.objects.set(path, { etag: newEtag(), extents: [{ size, crc32: undefined }], isMade: true });
    this.made.add(path);
  }

  forget(): void {
    for (const all of [this.objects, this.uploads, this.made]) all.clear();
  }

  createUpload(path: string): OpenUpload {
    const upload: OpenUpload = { id: randomUUID(), path, parts: new Map() };
    this.uploads.set(upload.id, upload);
    return upload;
  }

  /** The upload of that id, if it is for that path. */
  upload(id: string | null, path: string): OpenUpload | undefined {
    const upload = this.uploads.get(id ?? '');
    return upload?.path === path ? upload : undefined;
  }

  list(): Listed[] {
    return [...this.objects].map(([path, { extents }]) => {
      const { size, crc32 } = join(extents);
      const key = path.slice(path.indexOf('/') + 1);
      return { key, size, crc32: crc32 === undefined ? null : encodeCrc32(crc32) };
    });
  }
}
