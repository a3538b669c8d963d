import { FsError, type RequestContext } from 'sluice';
import { type Asked, toFailure, toRefusal } from './errors.ts';
import type { Options } from './options.ts';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the space, as `content` or `uploads/17`. */
  readonly resource: string;
  /** A value of `undefined` is not sent. */
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Nobody's leaving ends it, only its timeout: for what must come to its end. */
  readonly isDetached?: boolean;
  /** A refusal that is an answer too, by its status. */
  readonly accepts?: number;
}

/** What the backend asks of the API. Every failure is an FsError. */
export interface Api {
  /** Resolves when the API answers, and takes the token. */
  ping(): Promise<void>;
  json<T>(context: RequestContext, asked: Asked, request: ApiRequest): Promise<T>;
  bytes(context: RequestContext, asked: Asked, request: ApiRequest): Promise<Uint8Array>;
}

/**
 * The tree that a user sees is a space of the API, named by the session attribute `space`.
 * @throws FsError `EACCES` for a user without one.
 */
export function spaceOf({ principal }: RequestContext, { operation, path }: Asked): string {
  const { space } = principal.session;
  if (space === undefined || space === '')
    throw new FsError('EACCES', 'the session has no space', { operation, path });
  return space;
}

export function createApi({ url, token, timeoutMs }: Required<Options>): Api {
  const root = url.endsWith('/') ? url : `${url}/`;
  const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };

  /** One request; `read` takes its answer, within the same time. */
  async function send<T>(
    asked: Asked,
    target: URL,
    { method = 'GET', headers = {}, body, accepts }: Omit<ApiRequest, 'resource'>,
    caller: AbortSignal | undefined,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(target, {
        method,
        headers: { ...authorization, ...headers },
        redirect: 'error',
        signal: caller === undefined ? timeout : AbortSignal.any([caller, timeout]),
        // TypeScript's fetch takes no view of shared memory, which this never is.
        ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      });
      if (!response.ok && response.status !== accepts) throw await toRefusal(response, asked);
      return await read(response);
    } catch (error) {
      throw toFailure(error, asked, { caller, timeout });
    }
  }

  async function call<T>(
    context: RequestContext,
    asked: Asked,
    request: ApiRequest,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const { resource, query = {}, isDetached } = request;
    const target = new URL(`spaces/${encodeURIComponent(spaceOf(context, asked))}/${resource}`, root);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) target.searchParams.set(name, String(value));
    return await send(asked, target, request, isDetached ? undefined : context.signal, read);
  }

  return {
    ping: () =>
      send({ operation: 'probe', path: '/' }, new URL('health', root), {}, undefined, async (response) => {
        await response.arrayBuffer();
      }),
    json: (context, asked, request) =>
      call(context, asked, request, async (response) => (await response.json()) as never),
    bytes: (context, asked, request) =>
      call(context, asked, request, async (response) => {
        const bytes = new Uint8Array(await response.arrayBuffer());
        return response.ok ? bytes : new Uint8Array(0);
      }),
  };
}
