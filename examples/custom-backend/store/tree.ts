/** Why the store refuses: the `error` of its answers, and the HTTP status. */
export const REFUSALS = {
  'not-found': 404,
  'not-a-directory': 409,
  'is-a-directory': 409,
  exists: 409,
  'not-empty': 409,
  'in-use': 409,
  'below-itself': 409,
  changed: 412,
  'too-large': 413,
  'no-such-upload': 404,
  'not-allowed': 401,
  'bad-request': 400,
} as const;

export type Refusal = keyof typeof REFUSALS;

export class StoreError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal);
    this.refusal = refusal;
  }
}

export function refuse(refusal: Refusal): never {
  throw new StoreError(refusal);
}

export interface StoredFile {
  /** Never changed: new content is a new file. */
  readonly bytes: Buffer;
  readonly etag: string;
  /** Seconds since the epoch. */
  readonly modified: number;
  readonly mode: number | undefined;
}

interface Directory {
  readonly modified: number;
}

export type Node = StoredFile | Directory;

export interface Attributes {
  readonly mtime: number | undefined;
  readonly mode: number | undefined;
}

export const isFile = (node: Node | undefined): node is StoredFile => node !== undefined && 'bytes' in node;

let contents = 0;

/** One space of the store: files and directories by their paths, in memory. */
export class Tree {
  readonly #nodes = new Map<string, Node>([['/', { modified: now() }]]);

  /** What stands at a path. The directory above it must be there. */
  find(path: string): Node | undefined {
    if (path !== '/' && isFile(this.get(parentOf(path)))) refuse('not-a-directory');
    return this.#nodes.get(path);
  }

  get(path: string): Node {
    return this.find(path) ?? refuse('not-found');
  }

  getFile(path: string): StoredFile {
    const node = this.get(path);
    return isFile(node) ? node : refuse('is-a-directory');
  }

  /** Sorted by name, so that a page can begin after one. */
  list(path: string): [name: string, node: Node][] {
    if (isFile(this.get(path))) refuse('not-a-directory');
    return [...this.#nodes]
      .filter(([key]) => key !== '/' && parentOf(key) === path)
      .map(([key, node]): [string, Node] => [key.slice(key.lastIndexOf('/') + 1), node])
      .sort(([one], [other]) => (one < other ? -1 : 1));
  }

  makeDirectory(path: string): void {
    if (this.find(path) !== undefined) refuse('exists');
    this.#nodes.set(path, { modified: now() });
  }

  removeDirectory(path: string): void {
    if (path === '/') refuse('in-use');
    if (this.list(path).length > 0) refuse('not-empty');
    this.#nodes.delete(path);
  }

  removeFile(path: string): void {
    this.getFile(path);
    this.#nodes.delete(path);
  }

  /** A file takes its place whole, or not at all. */
  store(path: string, bytes: Buffer, { mtime = now(), mode }: Attributes, exclusive: boolean): StoredFile {
    const earlier = this.find(path);
    if (earlier !== undefined && exclusive) refuse('exists');
    if (earlier !== undefined && !isFile(earlier)) refuse('is-a-directory');
    contents += 1;
    const file = { bytes, etag: `"${contents}"`, modified: mtime, mode: mode ?? earlier?.mode };
    this.#nodes.set(path, file);
    return file;
  }

  move(from: string, to: string, exclusive: boolean): Node {
    const node = this.get(from);
    if (from === '/' || to === '/') refuse('in-use');
    if (!isFile(node) && to.startsWith(`${from}/`)) refuse('below-itself');
    const replaced = this.find(to);
    if (from === to) return node;
    if (replaced !== undefined && exclusive) refuse('exists');
    if (replaced !== undefined) isFile(node) ? this.removeFile(to) : this.removeDirectory(to);
    for (const [key, moved] of [...this.#nodes]) {
      if (key !== from && !key.startsWith(`${from}/`)) continue;
      this.#nodes.delete(key);
      this.#nodes.set(to + key.slice(from.length), moved);
    }
    return node;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function now(): number {
  return Date.now() / 1000;
}
