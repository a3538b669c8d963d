import { createHash } from 'node:crypto';
import { basename } from 'node:path/posix';
import type { StreamingBackend } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';
import type { Log } from '../contract/log.ts';
import type { StoredFile } from '../contract/types.ts';

/**
 * `done`: `NAME.done` says that NAME is whole. `sha256`: `NAME.sha256` does, and proves it: it has the SHA-256 of NAME in hex, as
 * `sha256sum` and `shasum` write it. OpenSSH ends an upload that was interrupted by Ctrl-C like any other.
 */
export type SidecarKind = 'done' | 'sha256';

/** A file that may be processed now. */
export interface ReleasedFile {
  readonly path: string;
  readonly file: StoredFile;
}

/** A file that is about to get its name. */
export interface Arrival {
  /** Bytes. */
  readonly size: number;
  /** Its first bytes. */
  read(length: number): Promise<Uint8Array>;
  /** Gives it its name. */
  store(): Promise<StoredFile>;
}

export interface Sidecars {
  /** The file that a path is the sidecar of; undefined for any other. */
  dataOf(path: string): string | undefined;
  /**
   * What a sidecar that arrives releases; undefined while its file is not there.
   * @throws FsError `EIO` when it is not that of the file which is.
   */
  releasedBy(call: RequestContext, sidecar: Arrival, dataPath: string): Promise<ReleasedFile | undefined>;
  /** Whether a file that has just been stored has its sidecar already. */
  isReleased(call: RequestContext, data: ReleasedFile): Promise<boolean>;
}

const MAX_SIDECAR_BYTES = 64 * 1024;
/** Of a file whose sum is worked out, in bytes. */
const WINDOW_BYTES = 1024 * 1024;

export function createSidecars(kind: SidecarKind, backend: StreamingBackend, log: Log): Sidecars {
  const suffix = `.${kind}`;
  /** The sums of each user are worked out one after the other: nobody can keep the others waiting. */
  const turns = new Map<string, Promise<unknown>>();

  async function sumOf(call: RequestContext, { path, file }: ReleasedFile): Promise<string> {
    const { username } = call.principal;
    const sum = Promise.resolve(turns.get(username)).then(() => sha256(backend, call, path, file));
    const turn = sum
      .catch(() => undefined)
      .then(() => {
        if (turns.get(username) === turn) turns.delete(username);
      });
    turns.set(username, turn);
    return await sum;
  }

  async function isSumOf(call: RequestContext, data: ReleasedFile, sidecar: Omit<Arrival, 'store'>) {
    if (sidecar.size > MAX_SIDECAR_BYTES) return false;
    const text = Buffer.from(await sidecar.read(MAX_SIDECAR_BYTES)).toString();
    return parseSum(text, basename(data.path)) === (await sumOf(lasting(call), data));
  }

  return {
    dataOf: (path) =>
      path.endsWith(suffix) && basename(path) !== suffix ? path.slice(0, -suffix.length) : undefined,

    releasedBy: async (call, sidecar, path) => {
      const file = await findFile(backend, call, path);
      if (file === undefined) return undefined;
      const data = { path, file };
      if (kind === 'done' || (await isSumOf(call, data, sidecar))) return data;
      throw new FsError('EIO', `${basename(path)} does not have this SHA-256`, { path: path + suffix });
    },

    isReleased: async (call, data) => {
      if (kind === 'done') return false;
      const path = data.path + suffix;
      const sidecar = await findFile(backend, call, path);
      if (sidecar === undefined) return false;
      const read = (length: number) => backend.readFileRange(lasting(call), path, { offset: 0, length });
      if (await isSumOf(call, data, { size: sidecar.size, read })) return true;
      const { path: file } = data;
      log.warn(
        { path: file },
        'the file is not the one that its sidecar tells of: its job waits for another',
      );
      return false;
    },
  };
}

/** Goes on when the client has gone: whether a file that is stored has a job must not hang on that. */
function lasting(call: RequestContext): RequestContext {
  return { ...call, signal: new AbortController().signal };
}

/** What stands at a path; undefined for what is no file. */
export async function findFile(
  backend: StreamingBackend,
  call: RequestContext,
  path: string,
): Promise<StoredFile | undefined> {
  try {
    return await backend.storedFile(call, path);
  } catch (error) {
    if (error instanceof FsError && ['ENOENT', 'EISDIR', 'ENOTDIR'].includes(error.code)) return undefined;
    throw error;
  }
}

/**
 * The sum that a sidecar tells: the only one in it, or the one on a line with the file's name. Undefined when it tells none.
 */
export function parseSum(text: string, name: string): string | undefined {
  const lines = text.split(/\r?\n/).filter((line) => SUM.test(line));
  const line = lines.length === 1 ? lines[0] : lines.find((candidate) => candidate.includes(name));
  return SUM.exec(line ?? '')?.[0].toLowerCase();
}

const SUM = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/i;

async function sha256(
  backend: StreamingBackend,
  call: RequestContext,
  path: string,
  { size, etag }: StoredFile,
): Promise<string> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < size; offset += WINDOW_BYTES) {
    const range = { offset, length: WINDOW_BYTES, ...(etag === undefined ? {} : { etag }) };
    hash.update(await backend.readFileRange(call, path, range));
  }
  return hash.digest('hex');
}
