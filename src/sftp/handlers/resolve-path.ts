import { normalizePath } from '../../contract/path.ts';
import type { SessionState } from '../state.ts';

/** Where the principal's sessions begin. */
export function homeOf({ context }: SessionState): string {
  return context.principal.home ?? '/';
}

/** What a client means by a path: relative ones, and the empty one, begin at its home. @throws FsError as `normalizePath`. */
export function resolvePath(state: SessionState, path: string): string {
  return normalizePath(path, homeOf(state));
}
