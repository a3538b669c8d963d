import { type Attributes, isFile, type Node, refuse, Tree } from './tree.ts';
import { PendingUpload, PendingUploads } from './uploads.ts';

const PAGE_ENTRIES = 100;

/** One user's files, and what is on its way to become some. */
export interface Space {
  readonly tree: Tree;
  readonly uploads: PendingUploads;
}

export function createSpace(): Space {
  return { tree: new Tree(), uploads: new PendingUploads() };
}

export interface Call {
  readonly space: Space;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** Of an upload. */
  readonly id: string;
}

/** Content is sent as it is, and by ranges; anything else as JSON. */
export class Content {
  readonly bytes: Buffer;
  readonly etag: string | undefined;

  constructor(bytes: Buffer, etag?: string) {
    this.bytes = bytes;
    this.etag = etag;
  }
}

/** The whole API, by method and resource below a space. */
export const ROUTES: Readonly<Record<string, (call: Call) => unknown>> = {
  'GET entry': ({ space, query }) => {
    const path = pathIn(query);
    return toEntry(path.slice(path.lastIndexOf('/') + 1), space.tree.get(path));
  },
  'GET entries': ({ space, query }) => {
    const after = query.get('after');
    const rest = space.tree.list(pathIn(query)).filter(([name]) => after === null || name > after);
    const entries = rest.slice(0, PAGE_ENTRIES).map(([name, node]) => toEntry(name, node));
    return { entries, hasMore: rest.length > PAGE_ENTRIES };
  },
  'POST directory': ({ space, query }) => space.tree.makeDirectory(pathIn(query)),
  'DELETE directory': ({ space, query }) => space.tree.removeDirectory(pathIn(query)),
  'DELETE file': ({ space, query }) => space.tree.removeFile(pathIn(query)),
  'POST move': ({ space, query }) =>
    toEntry('', space.tree.move(pathIn(query, 'from'), pathIn(query, 'to'), isSet(query, 'exclusive'))),
  'GET content': ({ space, query }) => {
    const { bytes, etag } = space.tree.getFile(pathIn(query));
    return new Content(bytes, etag);
  },
  'PUT content': ({ space, query, body }) =>
    toEntry('', space.tree.store(pathIn(query), body, attributesIn(query), false)),

  'POST uploads': ({ space, query }) => {
    const options = {
      create: isSet(query, 'create'),
      exclusive: isSet(query, 'exclusive'),
      truncate: isSet(query, 'truncate'),
    };
    const upload = new PendingUpload(space.tree, pathIn(query), options);
    return { id: space.uploads.add(upload), size: upload.size };
  },
  'PATCH uploads/:id': ({ space, query, body, id }) =>
    space.uploads.get(id).write(numberIn(query, 'offset'), body),
  'PUT uploads/:id/size': ({ space, query, id }) => space.uploads.get(id).setSize(numberIn(query, 'size')),
  'GET uploads/:id/content': ({ space, id }) => new Content(space.uploads.get(id).bytes),
  'POST uploads/:id/finish': ({ space, query, id }) => {
    const file = space.uploads.get(id).finish(numberIn(query, 'size'), attributesIn(query));
    space.uploads.delete(id);
    return toEntry('', file);
  },
  'DELETE uploads/:id': ({ space, id }) => space.uploads.delete(id),
};

function toEntry(name: string, node: Node) {
  if (!isFile(node)) return { name, type: 'directory', size: 0, modified: node.modified };
  const { bytes, etag, modified, mode } = node;
  return { name, type: 'file', size: bytes.length, modified, mode, etag };
}

function pathIn(query: URLSearchParams, name = 'path'): string {
  const path = query.get(name);
  return path?.startsWith('/') ? path : refuse('bad-request');
}

function isSet(query: URLSearchParams, name: string): boolean {
  return query.get(name) === 'true';
}

function numberIn(query: URLSearchParams, name: string): number {
  const number = Number(query.get(name) ?? Number.NaN);
  return Number.isSafeInteger(number) && number >= 0 ? number : refuse('bad-request');
}

function attributesIn(query: URLSearchParams): Attributes {
  const [mtime, mode] = [query.get('mtime'), query.get('mode')];
  return {
    mtime: mtime === null ? undefined : Number(mtime),
    mode: mode === null ? undefined : Number(mode),
  };
}
