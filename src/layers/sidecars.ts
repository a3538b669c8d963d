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

export interface Sidecars {
  /**
   * What a file releases that has just been stored under its name: itself, the file whose sidecar it is, or nothing yet.
   * @throws FsError `EIO` for a sidecar that is not that of the file which is there.
   */
  release(call: RequestContext, path: string, file: StoredFile): Promise<ReleasedFile | undefined>;
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

  async function isProven(call: RequestContext, data: ReleasedFile, sidecar: ReleasedFile): Promise<boolean> {
    if (sidecar.file.size > MAX_SIDECAR_BYTES) return false;
    const text = Buffer.from(await backend.readFile(call, sidecar.path)).toString();
    return parseSum(text, basename(data.path)) === (await sumOf(call, data));
  }

  async function byData(call: RequestContext, data: ReleasedFile): Promise<ReleasedFile | undefined> {
    if (kind === 'done') return undefined;
    const path = data.path + suffix;
    const file = await findFile(backend, call, path);
    if (file === undefined) return undefined;
    if (await isProven(call, data, { path, file })) return data;
    log.warn(
      { path: data.path },
      'the file is not the one that its sidecar tells of: its job waits for another',
    );
    return undefined;
  }

  async function bySidecar(call: RequestContext, sidecar: ReleasedFile): Promise<ReleasedFile | undefined> {
    const path = sidecar.path.slice(0, -suffix.length);
    const file = await findFile(backend, call, path);
    if (file === undefined) return undefined;
    const data = { path, file };
    if (kind === 'done' || (await isProven(call, data, sidecar))) return data;
    throw new FsError('EIO', `${basename(path)} does not have this SHA-256`, { path: sidecar.path });
  }

  return {
    release: async (call, path, file) => {
      // Even when the client has gone: the file is stored, and whether it has a job must not hang on that.
      const lasting = { ...call, signal: new AbortController().signal };
      const isSidecar = path.endsWith(suffix) && basename(path) !== suffix;
      return await (isSidecar ? bySidecar : byData)(lasting, { path, file });
    },
  };
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
