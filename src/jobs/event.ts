import { z } from 'zod';

/** CloudEvents 1.0 in structured JSON (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md). */
function envelope<const Type extends string>(type: Type) {
  return {
    specversion: z.literal('1.0'),
    /** The same over every redelivery. */
    id: z.string().min(1),
    type: z.literal(type),
    /** `/sluice/<service name>` */
    source: z.string().min(1),
    /** `<bucket>/<key>` */
    subject: z.string().min(1),
    time: z.iso.datetime(),
    datacontenttype: z.literal('application/json'),
    /** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/distributed-tracing.md */
    traceparent: z.string().optional(),
    tracestate: z.string().optional(),
  };
}

const place = {
  bucket: z.string().min(1),
  key: z.string().min(1),
};

const file = {
  ...place,
  versionId: z.string().nullable(),
  etag: z.string().nullable(),
  /** Bytes. */
  size: z.int().nonnegative(),
  checksum: z
    .object({ algorithm: z.literal('CRC32'), value: z.base64(), type: z.literal('FULL_OBJECT') })
    .nullable(),
};

/** Who sent it, by which name, from where. */
const origin = {
  /** Where the file stands, from the client's own root. */
  path: z.string().startsWith('/'),
  /** The name that the client asked for, where another file had it and was kept. */
  requestedPath: z.string().startsWith('/').optional(),
  username: z.string(),
  session: z.record(z.string(), z.string()),
  clientAddress: z.string(),
  clientVersion: z.string(),
  startedAt: z.iso.datetime(),
};

/** The job: a file is stored under its name, whole, and is to be processed. */
export const uploadFinishedEvent = z.object({
  ...envelope('sluice.upload.finished.v1'),
  data: z.object({ ...file, ...origin, finishedAt: z.iso.datetime() }),
});

/** A file that had its job under another name stands under this one. */
export const uploadRenamedEvent = z.object({
  ...envelope('sluice.upload.renamed.v1'),
  data: z.object({
    ...file,
    ...origin,
    /** Where it stood before. */
    previousPath: z.string().startsWith('/'),
    finishedAt: z.iso.datetime(),
  }),
});

/** An upload that has left nothing behind. */
export const uploadFailedEvent = z.object({
  ...envelope('sluice.upload.failed.v1'),
  data: z.object({
    ...place,
    ...origin,
    /** `refused`: when it was opened; `aborted`: it ended without CLOSE; `failed`: while it was written or closed. */
    outcome: z.enum(['refused', 'aborted', 'failed']),
    error: z.object({
      /** POSIX. */
      code: z.string(),
      message: z.string(),
    }),
    /** Of the file as it was then. */
    bytes: z.int().nonnegative(),
    failedAt: z.iso.datetime(),
  }),
});

/** Whatever stands in a message. */
export const jobEvent = z.discriminatedUnion('type', [
  uploadFinishedEvent,
  uploadRenamedEvent,
  uploadFailedEvent,
]);

/** {@link uploadFinishedEvent} */
export type UploadFinishedEvent = z.infer<typeof uploadFinishedEvent>;
/** {@link uploadRenamedEvent} */
export type UploadRenamedEvent = z.infer<typeof uploadRenamedEvent>;
/** {@link uploadFailedEvent} */
export type UploadFailedEvent = z.infer<typeof uploadFailedEvent>;
/** {@link jobEvent} */
export type JobEvent = z.infer<typeof jobEvent>;
