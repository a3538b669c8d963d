import { z } from 'zod';
import { PERMISSIONS } from '../../contract/context.ts';
import { MAX_NAME_BYTES, MAX_PATH_BYTES } from '../../contract/path.ts';

/**
 * What Sluice and a backend in another thread or process say to each other (docs/process-backends.md): requests, each
 * with an `id`, and one reply to each, in any order. Bytes travel beside the fields, as `bytes`.
 */
export const PROTOCOL_VERSION = 1;

/** Largest payload of one message, in bytes: a whole file of a backend that does not stream. */
export const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

/** Largest message without its payload, as JSON, in bytes: a page of a listing with long names. */
export const MAX_HEADER_BYTES = 16 * 1024 * 1024;

/** Entries in one page of a listing. */
export const MAX_PAGE_ENTRIES = 10_000;

const position = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const id = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const text = (maxLength: number) => z.string().max(maxLength);
const path = z.string().startsWith('/').max(MAX_PATH_BYTES);
const bytes = z.instanceof(Uint8Array);
const mode = z.number().int().min(0).max(0o7777);
const etag = text(1024);

const attributes = z.strictObject({ mtime: z.number().exactOptional(), mode: mode.exactOptional() });
const notes = z.record(text(1024), text(4096));
const range = { offset: position, length: position };

const session = z.strictObject({
  username: text(256),
  /** Of the session, from whoever authenticated it; passwords and keys are not among them. */
  attributes: z.record(z.string(), z.string()),
  permissions: z.array(z.enum(PERMISSIONS)).exactOptional(),
  connection: z.strictObject({
    id: text(256),
    clientAddress: text(256),
    clientPort: z.number().int().min(0).max(65_535),
    clientVersion: text(1024),
  }),
});

const trace = z.strictObject({
  traceparent: text(256).exactOptional(),
  tracestate: text(2048).exactOptional(),
});

const writeOptions = z.strictObject({
  create: z.boolean(),
  exclusive: z.boolean(),
  truncate: z.boolean(),
  append: z.boolean(),
  read: z.boolean().exactOptional(),
  attributes: attributes.exactOptional(),
  notes: notes.exactOptional(),
  requestedPath: path.exactOptional(),
});

function request<const Op extends string, Fields extends z.core.$ZodLooseShape>(op: Op, fields: Fields) {
  return z.strictObject({
    id,
    op: z.literal(op),
    session: session.exactOptional(),
    trace: trace.exactOptional(),
    ...fields,
  });
}

/** `upload` and `listing` are the ids of the requests that opened them. */
export const requestSchema = z.discriminatedUnion('op', [
  request('hello', { version: z.number().int() }),
  request('list_dir', { path }),
  request('file_info', { path }),
  request('make_dir', { path }),
  request('del_dir', { path }),
  request('delete', { path }),
  request('rename', {
    path,
    to: path,
    exclusive: z.boolean().exactOptional(),
    requestedPath: path.exactOptional(),
  }),
  request('read_file', { path }),
  request('write_file', {
    path,
    bytes: bytes.default(() => new Uint8Array(0)),
    attributes: attributes.exactOptional(),
  }),
  request('next_page', { listing: id }),
  request('end_list', { listing: id }),
  request('read_file_range', { path, ...range, etag: etag.exactOptional() }),
  request('stored_file', { path }),
  request('begin_write', { path, options: writeOptions, uploadId: text(256).exactOptional() }),
  request('write_chunk', { upload: id, offset: position, bytes }),
  request('finish_write', { upload: id }),
  request('abort_write', { upload: id }),
  request('set_size', { upload: id, size: position }),
  request('set_attributes', { upload: id, attributes }),
  request('sync', { upload: id }),
  request('read_chunk', { upload: id, ...range }),
  request('copy_chunk', { upload: id, path, ...range, etag: etag.exactOptional(), to: position }),
  request('cancel', { request: id }),
]);

export type Request = z.infer<typeof requestSchema>;
export type Operation = Request['op'];
export type RequestOf<Op extends Operation> = Extract<Request, { op: Op }>;
export type SessionFields = z.infer<typeof session>;

/** Those of the original's process backends: what every backend answers. */
export const REQUIRED_OPERATIONS = [
  'list_dir',
  'file_info',
  'make_dir',
  'del_dir',
  'delete',
  'rename',
  'read_file',
  'write_file',
] as const satisfies readonly Operation[];

/** Those of a backend that streams uploads. */
export const UPLOAD_OPERATIONS = [
  'begin_write',
  'write_chunk',
  'finish_write',
  'abort_write',
  'set_size',
  'set_attributes',
  'sync',
  'read_chunk',
  'copy_chunk',
] as const satisfies readonly Operation[];

const name = z
  .string()
  .min(1)
  .max(MAX_NAME_BYTES)
  .refine((given) => !/[/\0]/.test(given) && given !== '.' && given !== '..', 'must be a single name');

const info = {
  type: z.enum(['file', 'directory']),
  size: position.default(0),
  mtime: z.number().default(0),
  mode: mode.exactOptional(),
  etag: etag.exactOptional(),
};

/** Whoever has no modes of its own need not make some up. */
function withMode<T extends { readonly type: 'file' | 'directory'; readonly mode?: number }>(given: T) {
  return { ...given, mode: given.mode ?? (given.type === 'file' ? 0o644 : 0o755) };
}

/** A bucket, or the path of a folder. */
const bucket = text(MAX_PATH_BYTES);

const location = z.strictObject({ bucket, key: text(MAX_PATH_BYTES) });

const stored = z.strictObject({
  size: position,
  etag: etag.exactOptional(),
  versionId: text(1024).exactOptional(),
  location: location.exactOptional(),
  checksum: z
    .strictObject({ algorithm: z.literal('CRC32'), value: text(64), type: z.literal('FULL_OBJECT') })
    .exactOptional(),
  notes: notes.exactOptional(),
});

const page = z.strictObject({
  entries: z.array(z.strictObject({ name, ...info }).transform(withMode)).max(MAX_PAGE_ENTRIES),
  /** Whether `next_page` gives more. */
  more: z.boolean().default(false),
});

/** Nothing, whichever way a language says so. */
const nothing = z.unknown().transform(() => undefined);

/** `ok` of each operation's reply. Whatever may be left out, a handler written by hand may leave out. */
export const resultSchemas = {
  hello: z.strictObject({
    version: z.literal(PROTOCOL_VERSION),
    name: z.string().regex(/^[\w.-]{1,64}$/),
    operations: z.array(text(64)).max(256),
    /** Where files are kept: a bucket, and what comes before the path in a key (`session:KEY`: an attribute of the session). */
    location: z.strictObject({ bucket, prefix: text(1024) }).exactOptional(),
  }),
  list_dir: page,
  next_page: page,
  file_info: z.strictObject(info).transform(withMode),
  /** Null for a directory; left out by whoever does not know. */
  rename: stored.nullish(),
  write_file: stored.nullish(),
  finish_write: stored.nullish(),
  stored_file: stored,
  /** The size that the upload begins with: that of what it keeps. */
  begin_write: z
    .strictObject({ size: position.default(0), copies: z.boolean().default(false) })
    .nullish()
    .transform((given) => given ?? { size: 0, copies: false }),
  make_dir: nothing,
  del_dir: nothing,
  delete: nothing,
  read_file: nothing,
  read_file_range: nothing,
  end_list: nothing,
  write_chunk: nothing,
  abort_write: nothing,
  set_size: nothing,
  set_attributes: nothing,
  sync: nothing,
  read_chunk: nothing,
  copy_chunk: nothing,
  cancel: nothing,
} satisfies Record<Operation, z.ZodType>;

export type ResultOf<Op extends Operation> = z.output<(typeof resultSchemas)[Op]>;

/** Operations whose reply has `bytes`: those that were read, or the memory of those that were written, for further use. */
export const WITH_BYTES: ReadonlySet<Operation> = new Set([
  'read_file',
  'read_file_range',
  'read_chunk',
  'write_chunk',
]);

export const replySchema = z.strictObject({
  id,
  ok: z.unknown().optional(),
  bytes: bytes.optional(),
  error: z.strictObject({ code: text(64), message: z.string().max(4096).default('') }).optional(),
});

export type Reply = z.infer<typeof replySchema>;
