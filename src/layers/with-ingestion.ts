import { randomUUID } from 'node:crypto';
import type { RenameOptions, StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';
import type { AnnouncedJob, Delivery, JobPublisher } from '../contract/jobs.ts';
import type { StoredFile } from '../contract/types.ts';
import { DelegatedUpload } from './delegated-upload.ts';

export interface IngestionOptions {
  readonly publisher: JobPublisher;
  /** Whether a file of that path is still to get its name: it is staged, and its rename delivers it. */
  readonly isTemporary: (path: string) => boolean;
  /** Whether a file that had its job is reported when it gets another name. */
  readonly reportsRenames: boolean;
}

/** What is noted with each file, for whoever delivers it later. */
const Note = { UPLOAD_ID: 'upload-id', STARTED_AT: 'started-at' } as const;

/**
 * One job for each file that comes to stand under its name: by an upload that is finished, or by the rename of one that was
 * uploaded under a temporary name. It is durable before anybody hears of success. A job that cannot be made durable
 * fails the request, although the file is stored by then: the client tries again and replaces it.
 */
export function withIngestion(backend: StreamingBackend, options: IngestionOptions): StreamingBackend {
  const { publisher, isTemporary, reportsRenames } = options;

  async function beginWrite(call: RequestContext, path: string, open: WriteOptions): Promise<Upload> {
    const startedAt = new Date();
    const id = call.uploadId ?? randomUUID();
    const notes = { ...open.notes, [Note.UPLOAD_ID]: id, [Note.STARTED_AT]: startedAt.toISOString() };
    const upload = await backend.beginWrite(call, path, { ...open, notes });
    if (isTemporary(path)) return upload;
    const { requestedPath } = open;
    const delivery = { ...toDelivery(call, path), id, startedAt, requestedPath };
    return new IngestedUpload(upload, () => publisher.announce(delivery));
  }

  async function rename(
    call: RequestContext,
    from: string,
    to: string,
    how: RenameOptions = {},
  ): Promise<StoredFile | undefined> {
    const move = () => backend.rename(call, from, to, how);
    const isDelivery = isTemporary(from) && !isTemporary(to);
    const isReported = reportsRenames && !isTemporary(from) && !isTemporary(to) && from !== to;
    if (!isDelivery && !isReported) return await move();
    const staged = await findFile(call, from);
    if (staged === undefined) return await move();
    const { size, checksum, notes = {} } = staged;
    const { traceparent, [Note.UPLOAD_ID]: uploadId, [Note.STARTED_AT]: started } = notes;
    const job = await publisher.announce({
      ...toDelivery(call, to),
      id: isDelivery && uploadId !== undefined ? uploadId : randomUUID(),
      startedAt: toDate(started) ?? new Date(),
      requestedPath: how.requestedPath,
      renamedFrom: isDelivery ? undefined : from,
      uploadTrace: traceparent === undefined ? undefined : { traceparent },
    });
    return await published(job, async () => {
      const moved = await move();
      // The copy has the same bytes, if not the same ETag.
      return { size, ...(checksum === undefined ? {} : { checksum }), ...moved };
    });
  }

  function toDelivery(
    call: RequestContext,
    path: string,
  ): Pick<Delivery, 'path' | 'location' | 'principal' | 'connection'> {
    const { principal, connection } = call;
    return { path, location: backend.locate(call, path), principal, connection };
  }

  /** Undefined for a directory. What is not there fails the rename itself. */
  async function findFile(call: RequestContext, path: string): Promise<StoredFile | undefined> {
    try {
      return await backend.storedFile(call, path);
    } catch (error) {
      if (error instanceof FsError && ['EISDIR', 'ENOENT', 'ENOTDIR'].includes(error.code)) return undefined;
      throw error;
    }
  }

  return { ...backend, beginWrite, rename };
}

class IngestedUpload extends DelegatedUpload {
  readonly #announce: () => Promise<AnnouncedJob>;

  constructor(upload: Upload, announce: () => Promise<AnnouncedJob>) {
    super(upload);
    this.#announce = announce;
  }

  override async finishWrite(): Promise<StoredFile> {
    let job: AnnouncedJob;
    try {
      job = await this.#announce();
    } catch (error) {
      await super.abortWrite();
      throw error;
    }
    return await published(job, () => super.finishWrite());
  }
}

/** Publishes the job of the file that `store` stores, or withdraws it. */
async function published(job: AnnouncedJob, store: () => Promise<StoredFile>): Promise<StoredFile> {
  let stored: StoredFile;
  try {
    stored = await store();
  } catch (error) {
    await job.withdraw();
    throw error;
  }
  await job.publish(stored);
  return stored;
}

function toDate(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}
