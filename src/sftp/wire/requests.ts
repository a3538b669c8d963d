import type { Attributes } from './attributes.ts';

interface WithId {
  readonly id: number;
}
interface OnPath extends WithId {
  readonly path: string;
}
interface OnHandle extends WithId {
  readonly handle: string;
}

/** Everything a client can ask for but a WRITE, as read off the wire. Paths are as sent: not normalised yet. */
export type Request =
  | (OnPath & { readonly kind: 'open'; readonly flags: number; readonly attributes: Attributes })
  | (OnHandle & { readonly kind: 'close' })
  | (OnHandle & { readonly kind: 'read'; readonly offset: number; readonly length: number })
  | (OnPath & { readonly kind: 'lstat' | 'stat' | 'opendir' | 'remove' | 'rmdir' | 'realpath' | 'readlink' })
  | (OnHandle & { readonly kind: 'fstat' | 'readdir' | 'fsync' })
  | (OnPath & { readonly kind: 'setstat' | 'mkdir'; readonly attributes: Attributes })
  | (OnHandle & { readonly kind: 'fsetstat'; readonly attributes: Attributes })
  | (WithId & { readonly kind: 'rename'; readonly from: string; readonly to: string })
  | (OnPath & { readonly kind: 'statvfs' | 'expandPath' })
  /** `handle` is the one written to; a `length` of 0 means all up to the end. */
  | (OnHandle & {
      readonly kind: 'copyData';
      readonly offset: number;
      readonly source: string;
      readonly sourceOffset: number;
      readonly length: number;
    })
  | (WithId & { readonly kind: 'limits' })
  | (WithId & { readonly kind: 'homeDirectory'; readonly username: string })
  /** The draft has the link first, OpenSSH what it points at. */
  | (OnPath & { readonly kind: 'symlink'; readonly targetPath: string })
  | (WithId & { readonly kind: 'unsupported'; readonly what: string });

export type RequestKind = Request['kind'];
