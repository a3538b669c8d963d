import type { RequestContext } from '../contract/context.ts';
import { FsError } from '../contract/errors.ts';

/** Where a path of a client leads: what the backend is asked with. */
export interface Place {
  readonly context: RequestContext;
  /** In the backend. */
  readonly path: string;
  /** As the client has it. */
  readonly shown: string;
}

/** Runs what asks the backend about places. Its errors name the paths that the client knows. */
export async function translated<T>(places: readonly Place[], run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toClient(error, places);
  }
}

/** The same error, with the client's path for that of the backend. */
export function toClient(error: unknown, places: readonly Place[]): unknown {
  if (!(error instanceof FsError) || error.path === undefined) return error;
  const { code, operation, path: asked, cause, message } = error;
  const shown = (places.find(({ path }) => path === asked) ?? places[0])?.shown;
  if (shown === undefined || shown === asked) return error;
  const sentence = message.slice(`${code}: `.length).replace(asked, () => shown);
  return new FsError(code, sentence, {
    path: shown,
    cause,
    ...(operation === undefined ? {} : { operation }),
  });
}
