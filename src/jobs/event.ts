import { z } from 'zod';
import type { FinishedUpload, TraceContext } from '../contract/jobs.ts';

/**
 * The job: a CloudEvents 1.0 event in structured JSON
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
 */
export const uploadFinishedEvent = z.object({
  specversion: z.literal('1.0'),
  /** The upload's id: the same over every redelivery. */
  id: z.string().min(1),
  type: z.literal('sluice.upload.finished.v1'),
  /** `/sluice/<service name>` */
  source: z.string().min(1),
  /** `<bucket>/<key>` */
  subject: z.string().min(1),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  /** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/distributed-tracing.md */
  traceparent: z.string().optional(),
  tracestate: z.string().optional(),
  data: z.object({
    bucket: z.string().min(1),
    key: z.string().min(1),
    versionId: z.string().nullable(),
    etag: z.string().nullable(),
    /** Bytes. */
    size: z.int().nonnegative(),
    checksum: z
      .object({ algorithm: z.literal('CRC32'), value: z.base64(), type: z.literal('FULL_OBJECT') })
      .nullable(),
    /** The path that the client used, from its own root. */
    path: z.string().startsWith('/'),
    username: z.string(),
    session: z.record(z.string(), z.string()),
    clientAddress: z.string(),
    clientVersion: z.string(),
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
  }),
});

export type UploadFinishedEvent = z.infer<typeof uploadFinishedEvent>;

/** The event of an upload. Files of a backend that names no bucket stand under `bucket: "files"` and their path. */
export function toUploadFinishedEvent(
  upload: FinishedUpload,
  { serviceName, trace }: { readonly serviceName: string; readonly trace: TraceContext },
): UploadFinishedEvent {
  const { stored, principal, connection, path } = upload;
  const { bucket, key } = stored.location ?? { bucket: 'files', key: path.slice(1) };
  return {
    specversion: '1.0',
    id: upload.id,
    type: 'sluice.upload.finished.v1',
    source: `/sluice/${serviceName}`,
    subject: `${bucket}/${key}`,
    time: upload.finishedAt.toISOString(),
    datacontenttype: 'application/json',
    ...trace,
    data: {
      bucket,
      key,
      versionId: stored.versionId ?? null,
      etag: stored.etag ?? null,
      size: stored.size,
      checksum: stored.checksum ?? null,
      path,
      username: principal.username,
      session: { ...principal.session },
      clientAddress: connection.clientAddress,
      clientVersion: connection.clientVersion,
      startedAt: upload.startedAt.toISOString(),
      finishedAt: upload.finishedAt.toISOString(),
    },
  };
}
