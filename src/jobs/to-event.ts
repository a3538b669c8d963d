import type { Delivery, TraceContext } from '../contract/jobs.ts';
import type { StoredFile } from '../contract/types.ts';
import type { UploadFinishedEvent, UploadRenamedEvent } from './event.ts';

/** The event of a file that stands under its name. */
export type DeliveredEvent = UploadFinishedEvent | UploadRenamedEvent;

export interface EventOptions {
  readonly serviceName: string;
  readonly finishedAt: Date;
  readonly trace: TraceContext;
}

/** `stored` wins over the announced location: it is the store's last word. */
export function toDeliveredEvent(
  delivery: Delivery,
  stored: StoredFile,
  { serviceName, finishedAt, trace }: EventOptions,
): DeliveredEvent {
  const { id, path, requestedPath, renamedFrom, principal, connection, startedAt } = delivery;
  const { bucket, key } = stored.location ?? delivery.location;
  const envelope = {
    specversion: '1.0',
    id,
    source: `/sluice/${serviceName}`,
    subject: `${bucket}/${key}`,
    time: finishedAt.toISOString(),
    datacontenttype: 'application/json',
    ...trace,
  } as const;
  const data = {
    bucket,
    key,
    ...toStoredData(stored),
    path,
    ...(requestedPath === undefined ? {} : { requestedPath }),
    username: principal.username,
    session: { ...principal.session },
    clientAddress: connection.clientAddress,
    clientVersion: connection.clientVersion,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
  };
  return renamedFrom === undefined
    ? { ...envelope, type: 'sluice.upload.finished.v1', data }
    : { ...envelope, type: 'sluice.upload.renamed.v1', data: { ...data, previousPath: renamedFrom } };
}

/** The event that was made before the file was there, with what the store says of it now. */
export function completeEvent<E extends DeliveredEvent>(event: E, stored: StoredFile): E {
  return { ...event, data: { ...event.data, ...toStoredData(stored) } };
}

function toStoredData({ size, etag, versionId, checksum }: StoredFile) {
  return { versionId: versionId ?? null, etag: etag ?? null, size, checksum: checksum ?? null };
}
