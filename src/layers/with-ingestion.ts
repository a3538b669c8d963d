import { randomUUID } from 'node:crypto';
import type { RenameOptions, StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import type { AnnouncedJob, Delivery, JobPublisher } from '../contract/jobs.ts';
import type { Log } from '../contract/log.ts';
import { Note, type StoredFile } from '../contract/types.ts';
import { DelegatedUpload } from './delegated-upload.ts';
import { type Arrival, createSidecars, findFile, type SidecarKind } from './sidecars.ts';
import { principalAt } from './virtual-folders.ts';

export interface IngestionOptions {
  readonly publisher: JobPublisher;
  /** Whether a file of that path is still to get its name: it is staged, and its rename delivers it. */
  readonly isTemporary: (path: string) => boolean;
  /** Whether a file that had its job is reported when it gets another name. */
  readonly reportsRenames: boolean;
  /** Which file beside it a file has to wait for. */
  readonly sidecar?: SidecarKind | undefined;
  readonly log: Log;
}

/**
 * One job for each file that comes to stand under its name, whole: by an upload that is finished, or by the rename of one that was
 * uploaded under a temporary name; where files have sidecars, by the later of the two. It is durable before anybody hears of
 * success. A job that cannot be made durable fails the request, although the file is stored by then: the client tries
 * again and replaces it.
 */
export function withIngestion(backend: StreamingBackend, options: IngestionOptions): StreamingBackend {
  const { publisher, isTemporary, reportsRenames, sidecar, log } = options;
  const sidecars = sidecar && createSidecars(sidecar, backend, log);

  async function beginWrite(call: RequestContext, path: string, open: WriteOptions): Promise<Upload> {
    const startedAt = new Date();
    const id = call.uploadId ?? randomUUID();
    const notes = { ...open.notes, [Note.UPLOAD_ID]: id, [Note.STARTED_AT]: startedAt.toISOString() };
    const upload = await backend.beginWrite(call, path, { ...open, notes });
    const { requestedPath } = open;
    // A name that is given to keep another file follows none of the user's patterns.
    if (isTemporary(requestedPath ?? path)) return upload;
    const delivery = { ...toDelivery(call, path), id, startedAt, requestedPath };
    return new IngestedUpload(upload, (arrival) => deliver(call, delivery, arrival));
  }

  async function rename(
    call: RequestContext,
    from: string,
    to: string,
    how: RenameOptions = {},
  ): Promise<StoredFile | undefined> {
    const move = () => backend.rename(call, from, to, how);
    const isFinal = !isTemporary(how.requestedPath ?? to);
    const isDelivery = isFinal && isTemporary(from);
    const isReported = isFinal && reportsRenames && !isTemporary(from) && from !== to;
    if (!isDelivery && !isReported) return await move();
    // What is no file, or not there, is for the rename itself to judge.
    const file = await findFile(backend, call, from);
    if (file === undefined) return await move();
    const { size, checksum } = file;
    const arrival = {
      size,
      read: (length: number) => backend.readFileRange(call, from, { offset: 0, length }),
      store: async () => {
        const moved = await move();
        // The copy has the same bytes, if not the same ETag.
        return { size, ...(checksum === undefined ? {} : { checksum }), ...moved };
      },
    };
    const delivery = { ...toDelivery(call, to), ...fromNotes(file), requestedPath: how.requestedPath };
    if (isDelivery) return await deliver(call, delivery, arrival);
    const renamed = { ...delivery, id: randomUUID(), renamedFrom: from };
    return await published(await publisher.announce(renamed, call.scope?.trace), arrival.store);
  }

  /** Stores a file under its name, and publishes the job that this releases. */
  async function deliver(call: RequestContext, delivery: Delivery, arrival: Arrival): Promise<StoredFile> {
    if (sidecars === undefined)
      return await published(await publisher.announce(delivery, call.scope?.trace), arrival.store);
    const { path } = delivery;
    const dataPath = sidecars.dataOf(path);
    if (dataPath !== undefined) {
      const released = await sidecars.releasedBy(call, arrival, dataPath);
      if (released === undefined) return await arrival.store();
      const about = { ...toDelivery(call, dataPath), ...fromNotes(released.file) };
      return await published(
        await publisher.announce(about, call.scope?.trace),
        arrival.store,
        released.file,
      );
    }
    const stored = await arrival.store();
    const isReleased = await sidecars.isReleased(call, { path, file: stored });
    return isReleased
      ? await published(await publisher.announce(delivery, call.scope?.trace), async () => stored)
      : stored;
  }

  function toDelivery(
    call: RequestContext,
    path: string,
  ): Pick<Delivery, 'path' | 'location' | 'principal' | 'connection'> {
    const principal = principalAt(call.principal, path);
    return { path, location: backend.locate(call, path), principal, connection: call.connection };
  }

  return { ...backend, beginWrite, rename };
}

class IngestedUpload extends DelegatedUpload {
  readonly #deliver: (arrival: Arrival) => Promise<StoredFile>;

  constructor(upload: Upload, deliver: (arrival: Arrival) => Promise<StoredFile>) {
    super(upload);
    this.#deliver = deliver;
  }

  override async finishWrite(): Promise<StoredFile> {
    let isEnding = false;
    const arrival = {
      size: this.size,
      read: (length: number) => super.readChunk(0, length),
      store: () => {
        isEnding = true;
        return super.finishWrite();
      },
    };
    try {
      return await this.#deliver(arrival);
    } catch (error) {
      if (!isEnding) await super.abortWrite();
      throw error;
    }
  }
}

/** Publishes the job of what `store` stores, or of the file that this releases; withdraws it when that fails. */
async function published(
  job: AnnouncedJob,
  store: Arrival['store'],
  released?: StoredFile,
): Promise<StoredFile> {
  let stored: StoredFile;
  try {
    stored = await store();
  } catch (error) {
    await job.withdraw();
    throw error;
  }
  await job.publish(released ?? stored);
  return stored;
}

/** What was noted when the file was uploaded; one that came otherwise begins now. */
function fromNotes({ notes = {} }: StoredFile): Pick<Delivery, 'id' | 'startedAt' | 'uploadTrace'> {
  const {
    [Note.TRACEPARENT]: traceparent,
    [Note.UPLOAD_ID]: id = randomUUID(),
    [Note.STARTED_AT]: started = '',
  } = notes;
  const startedAt = new Date(started);
  return {
    id,
    startedAt: Number.isNaN(startedAt.getTime()) ? new Date() : startedAt,
    uploadTrace: traceparent === undefined ? undefined : { traceparent },
  };
}
