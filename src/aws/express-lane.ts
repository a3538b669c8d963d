import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { HttpResponse } from '@smithy/core/protocols';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4, type SignatureV4Init } from '@smithy/signature-v4';

/** What of a request is that of one input and of no other. */
export interface Written {
  /** The end of the path: what comes before it is the place's. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Set when the answer's body is wanted in one piece, and the most that it may have, in bytes. */
  readonly wholeBytes?: number;
}

/** An operation as it is called without the SDK's machinery. */
export interface ExpressCall {
  /** What the endpoint depends on: a bucket, a queue. */
  readonly placeOf: (input: Input) => string;
  /** Undefined when only the SDK knows how to write it. */
  readonly write: (input: Input) => Written | undefined;
  /** Of an answer 2xx. */
  readonly read: (response: HttpResponse, input: Input) => Promise<object>;
}

type Input = Readonly<Record<string, unknown>>;

interface Command {
  readonly input: object;
  readonly middlewareStack: {
    add(
      middleware: (next: Step, context: CallContext) => Step,
      options: { readonly step: 'build'; readonly name: string; readonly priority: 'low' },
    ): void;
  };
}

interface SendOptions {
  readonly abortSignal?: AbortSignal;
  /** Makes the memory of an answer's body that is wanted in one piece. */
  readonly allocate?: (bytes: number) => Uint8Array;
}

/** What the lane tells a client's request handler: one that does not know of `wholeBytes` answers as it always does. */
export interface LaneOptions extends SendOptions {
  readonly wholeBytes?: number;
}

interface Output {
  readonly $metadata: { attempts?: number };
}

interface AuthScheme {
  readonly name?: string;
  readonly signingName?: string;
  readonly signingRegion?: string;
}

/** What the SDK knows of a call while it is under way. */
interface CallContext {
  readonly endpointV2?: { readonly properties?: { readonly authSchemes?: readonly AuthScheme[] } };
}

type Step = (args: { readonly request: unknown }) => Promise<object>;

/** As much of an AWS SDK client as is needed here. */
interface AwsClient {
  send(command: Command, options?: SendOptions): Promise<Output>;
  readonly config: Pick<SignatureV4Init, 'credentials'> & {
    readonly sha256: NonNullable<SignatureV4Init['sha256']>;
    readonly requestHandler: {
      handle(request: HttpRequest, options: LaneOptions): Promise<{ readonly response: HttpResponse }>;
    };
    readonly region: () => Promise<string>;
    readonly defaultSigningName?: string;
    readonly signingEscapePath: boolean;
    /** In milliseconds, as the SDK has learnt it from answers. */
    readonly systemClockOffset: number;
  };
}

/** Where a client's calls of one operation go, and what is the same in all of them. */
interface Place {
  readonly request: HttpRequest;
  /** Before the part of the path that is written for each call. */
  readonly basePath: string;
  readonly signer: SignatureV4;
}

/** What one attempt has come to when it has not succeeded. */
class Detour {
  /** Whether it may have been done all the same. */
  readonly isDoubtful: boolean;
  /** Longest pause before the next, in milliseconds. */
  readonly pauseMs: number;

  constructor(status: number | undefined) {
    this.isDoubtful = status === undefined || status >= 500;
    this.pauseMs = status === 503 || status === 429 ? 1_000 : this.isDoubtful ? 50 : 0;
  }
}

/** Headers that are the same in every call of an operation. */
const CONSTANT = new Set([
  'host',
  'user-agent',
  'x-amz-user-agent',
  'content-type',
  'x-amz-target',
  'x-amzn-query-mode',
]);

/** Headers that are the SDK's own, or that the lane writes for every body. */
const LEFT_OUT = new Set(['amz-sdk-invocation-id', 'amz-sdk-request', 'content-length']);

/** Places of one client that are remembered: buckets, mostly. */
const MAX_PLACES = 1_000;

/**
 * Sends the `calls` of a client, by the class of their commands, past the SDK's middleware: that takes several times as long as
 * signing a request and sending it, and small files are little else. Whatever is out of the ordinary is the SDK's: the first call of each place, from
 * which the lane learns where it goes; what `write` cannot write; and every call whose one attempt has not succeeded, from the
 * beginning. docs/adr/0023-express-lane.md.
 *
 * A place is taken only when the lane writes the SDK's own request of its first call exactly as the SDK did.
 */
export function addExpressLane(sdkClient: unknown, calls: ReadonlyMap<unknown, ExpressCall>): void {
  const client = sdkClient as AwsClient;
  const places = new Map<string, Place>();

  /** Remembers where a call goes that the SDK has made. */
  const learn =
    (name: string, written: Written | undefined) => async (sent: HttpRequest, context: CallContext) => {
      const place = await toPlace(client, sent, written, context);
      if (place !== undefined && places.size < MAX_PLACES) places.set(name, place);
    };

  const sendBySdk = client.send.bind(client);
  client.send = async (command, options) => {
    const call = calls.get(command.constructor);
    if (call === undefined) return sendBySdk(command, options);
    const input = command.input as Input;
    const name = `${command.constructor.name} ${call.placeOf(input)}`;
    const place = places.get(name);
    const written = place === undefined ? undefined : call.write(input);
    if (place === undefined || written === undefined) {
      if (place === undefined) watch(command, learn(name, call.write(input)));
      return sendBySdk(command, options);
    }
    const signal = options?.abortSignal;
    const ended = await attempt(client, place, written, options);
    if (!(ended instanceof Detour)) return toOutput(ended, await call.read(ended, input));
    if (ended.pauseMs > 0) await pause(Math.random() * ended.pauseMs, undefined, signal && { signal });
    return afterDetour(ended, sendBySdk(command, options));
  };
}

/** `onSent` is told of the request, before it is signed, once it has been answered well. */
function watch(
  { middlewareStack }: Command,
  onSent: (request: HttpRequest, context: CallContext) => Promise<void>,
): void {
  const middleware = (next: Step, context: CallContext) => async (args: Parameters<Step>[0]) => {
    const result = await next(args);
    if (HttpRequest.isInstance(args.request)) await onSent(args.request, context);
    return result;
  };
  middlewareStack.add(middleware, { step: 'build', name: 'sluiceExpressLane', priority: 'low' });
}

/** What the SDK answers, which does not know of the attempt before its own. */
async function afterDetour({ isDoubtful }: Detour, sent: Promise<Output>): Promise<Output> {
  const count = (answer: unknown) => {
    const { $metadata } = Object(answer) as Partial<Output>;
    if (isDoubtful && $metadata !== undefined) $metadata.attempts = ($metadata.attempts ?? 1) + 1;
  };
  try {
    const output = await sent;
    count(output);
    return output;
  } catch (error) {
    count(error);
    throw error;
  }
}

/** One attempt. Rejects only when it was ended by the signal. */
async function attempt(
  { config }: AwsClient,
  { request, basePath, signer }: Place,
  { path, query, headers, body, wholeBytes }: Written,
  sendOptions: SendOptions = {},
): Promise<HttpResponse | Detour> {
  const own = new HttpRequest({
    ...request,
    path: basePath + path,
    query: { ...request.query, ...query },
    headers: { ...request.headers, ...headers },
    body,
  });
  if (body !== undefined) own.headers['content-length'] = String(Buffer.byteLength(body));
  try {
    const signingDate = new Date(Date.now() + config.systemClockOffset);
    const signed = (await signer.sign(own, { signingDate })) as HttpRequest;
    const options = wholeBytes === undefined ? sendOptions : { ...sendOptions, wholeBytes };
    const { response } = await config.requestHandler.handle(signed, options);
    if (response.statusCode >= 200 && response.statusCode < 300) return response;
    discard(response);
    return new Detour(response.statusCode);
  } catch (error) {
    if (sendOptions.abortSignal?.aborted) throw error;
    return new Detour(undefined);
  }
}

/** Undefined when the lane would not send the very request that the SDK has sent. */
async function toPlace(
  { config }: AwsClient,
  sent: HttpRequest,
  written: Written | undefined,
  { endpointV2 }: CallContext,
): Promise<Place | undefined> {
  const scheme = endpointV2?.properties?.authSchemes?.[0];
  if (written === undefined || (scheme?.name ?? 'sigv4') !== 'sigv4') return undefined;
  const { path, headers, body, query = {} } = written;
  const isAsWritten =
    sent.path.endsWith(path) &&
    isSame(sent.body, body) &&
    has(sent.headers, headers) &&
    has(sent.query, query);
  if (!isAsWritten) return undefined;
  const constant = Object.entries(sent.headers).filter(([name]) => !(name in headers || LEFT_OUT.has(name)));
  if (constant.some(([name]) => !CONSTANT.has(name))) return undefined;
  const { method, protocol, hostname, port } = sent;
  return {
    request: new HttpRequest({
      method,
      protocol,
      hostname,
      ...(port === undefined ? {} : { port }),
      query: Object.fromEntries(Object.entries(sent.query).filter(([name]) => !(name in query))),
      headers: Object.fromEntries(constant),
    }),
    basePath: sent.path.slice(0, sent.path.length - path.length),
    signer: new SignatureV4({
      credentials: config.credentials,
      sha256: config.sha256,
      region: scheme?.signingRegion ?? config.region,
      service: scheme?.signingName ?? config.defaultSigningName ?? '',
      uriEscapePath: config.signingEscapePath,
    }),
  };
}

/** Whether all that was written was sent. */
function has(sent: Readonly<Record<string, unknown>>, written: Readonly<Record<string, string>>): boolean {
  return Object.entries(written).every(([name, value]) => sent[name] === value);
}

/** Texts are JSON, of which the order of members does not matter. */
function isSame(sent: unknown, written: Written['body']): boolean {
  if (typeof written !== 'string') return sent === written;
  const text = sent instanceof Uint8Array ? new TextDecoder().decode(sent) : sent;
  return typeof text === 'string' && isDeepStrictEqual(JSON.parse(text), JSON.parse(written));
}

/** In the SDK's words. */
function toOutput({ statusCode, headers }: HttpResponse, output: object): Output {
  const requestId = headers['x-amz-request-id'] ?? headers['x-amzn-requestid'];
  const extendedRequestId = headers['x-amz-id-2'];
  const $metadata = { httpStatusCode: statusCode, requestId, extendedRequestId, attempts: 1 };
  return { ...output, $metadata };
}

/** Reads on, so that the connection can be used again. */
export function discard({ body }: HttpResponse): void {
  if (!(body instanceof Uint8Array)) body.once('error', () => undefined).resume();
}
