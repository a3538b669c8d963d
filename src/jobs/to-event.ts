import type { TraceContext } from '../contract/context.ts';
import type { Delivery, FailedUpload } from '../contract/jobs.ts';
import type { FileLocation, StoredFile } from '../contract/types.ts';
import type { UploadFailedEvent, UploadFinishedEvent, UploadRenamedEvent } from './event.ts';

/** The event of a file that stands under its name. */
export type DeliveredEvent = UploadFinishedEvent | UploadRenamedEvent;

export interface EventOptions {
  readonly serviceName: string;
  readonly trace: TraceContext;
}

/** `stored` wins over the announced location: it is the store's last word. */
export function toDeliveredEvent(
  delivery: Delivery,
  stored: StoredFile,
  { finishedAt, ...options }: EventOptions & { readonly finishedAt: Date },
): DeliveredEvent {
  const { id, requestedPath, renamedFrom } = delivery;
  const { bucket, key } = stored.location ?? delivery.location;
  const envelope = toEnvelope(id, { bucket, key }, finishedAt, options);
  const data = {
    bucket,
    key,
    ...toStoredData(stored),
    ...toOrigin(delivery),
    ...(requestedPath === undefined ? {} : { requestedPath }),
    finishedAt: finishedAt.toISOString(),
  };
  return renamedFrom === undefined
    ? { ...envelope, type: 'sluice.upload.finished.v1', data }
    : { ...envelope, type: 'sluice.upload.renamed.v1', data: { ...data, previousPath: renamedFrom } };
}

export function toFailedEvent(failure: FailedUpload, options: EventOptions): UploadFailedEvent {
  const { id, location, failedAt, outcome, error, bytes } = failure;
  const { bucket, key } = location;
  return {
    ...toEnvelope(id, location, failedAt, options),
    type: 'sluice.upload.failed.v1',
    data: {
      bucket,
      key,
      ...toOrigin(failure),
      outcome,
      error,
      bytes,
      failedAt: failedAt.toISOString(),
    },
  };
}

/** The event that was made before the file was there, with what the store says of it now. */
export function completeEvent<E extends DeliveredEvent>(event: E, stored: StoredFile): E {
  return { ...event, data: { ...event.data, ...toStoredData(stored) } };
}

function toEnvelope(
  id: string,
  { bucket, key }: FileLocation,
  time: Date,
  { serviceName, trace }: EventOptions,
) {
  return {
    specversion: '1.0',
    id,
    source: `/sluice/${serviceName}`,
    subject: `${bucket}/${key}`,
    time: time.toISOString(),
    datacontenttype: 'application/json',
    ...trace,
  } as const;
}

function toOrigin({ path, principal, connection, startedAt }: Delivery | FailedUpload) {
  return {
    path,
    username: principal.username,
    session: { ...principal.session },
    clientAddress: connection.clientAddress,
    clientVersion: connection.clientVersion,
    startedAt: startedAt.toISOString(),
  };
}

function toStoredData({ size, etag, versionId, checksum }: StoredFile) {
  return { versionId: versionId ?? null, etag: etag ?? null, size, checksum: checksum ?? null };
}
