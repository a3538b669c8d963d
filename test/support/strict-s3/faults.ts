import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** Which of the matching requests are hit. */
export interface Occurrence {
  /** The first matching request to be hit, counted from 1 (default 1). */
  readonly nth?: number;
  /** How many matching requests are hit from there on (default: one when `nth` is given, else all). */
  readonly times?: number;
}

/** Never answer, before the operation was done ("request") or after it ("response"), until released. */
export interface HangAction {
  readonly hang: 'request' | 'response';
}

/**
 * Cut the connection: before the request body is read, in the middle of it, after the operation was done but before
 * any answer (all by a TCP reset), or in the middle of the response body (by an end, so that the client gets the half).
 */
export interface ResetAction {
  readonly reset: 'request' | 'request-body' | 'response' | 'response-body';
}

/** Go on as usual after some time. */
export interface DelayAction {
  readonly delayMs: number;
}

export type ConnectionAction = HangAction | ResetAction | DelayAction;

export type TextTest = string | RegExp | ((text: string) => boolean);

export function passes(test: TextTest | undefined, text: string | undefined): boolean {
  if (test === undefined) return true;
  if (text === undefined) return false;
  if (typeof test === 'string') return test === text;
  return typeof test === 'function' ? test(text) : test.test(text);
}

/** The test's hold on a rule. */
export interface Fault {
  /** On how many requests the fault has taken effect so far. */
  readonly hits: number;
  /**
   * Resolves when the fault has taken effect this many times (default 1): for one at the "response", the operation is
   * done by then.
   */
  reached(hits?: number): Promise<void>;
  /** Withdraws the rule and lets go of the requests that it holds. */
  release(): void;
}

export interface Hit<Action> {
  readonly action: Action;
  /** Resolves when the rule is released. */
  readonly released: Promise<void>;
  /** Counts the hit, when the fault takes effect. */
  strike(): void;
}

class Rule<Request, Action> implements Fault {
  hits = 0;
  readonly action: Action;
  readonly released: Promise<void>;
  readonly #matches: (request: Request) => boolean;
  readonly #first: number;
  readonly #last: number;
  readonly #onRelease: () => void;
  readonly #letGo: () => void;
  readonly #waiting = new Set<{ hits: number; resolve: () => void }>();
  #matched = 0;

  constructor(
    matches: (request: Request) => boolean,
    action: Action,
    { nth, times }: Occurrence,
    onRelease: () => void,
  ) {
    this.#matches = matches;
    this.action = action;
    this.#first = nth ?? 1;
    this.#last = this.#first + (times ?? (nth === undefined ? Number.POSITIVE_INFINITY : 1)) - 1;
    this.#onRelease = onRelease;
    let letGo = () => {};
    this.released = new Promise((resolve) => {
      letGo = resolve;
    });
    this.#letGo = letGo;
  }

  /** Counts the request if it matches; true when it is to be hit. */
  isDue(request: Request): boolean {
    if (!this.#matches(request)) return false;
    this.#matched += 1;
    return this.#matched >= this.#first && this.#matched <= this.#last;
  }

  strike(): void {
    this.hits += 1;
    for (const waiter of this.#waiting) if (this.hits >= waiter.hits) waiter.resolve();
  }

  reached(hits = 1): Promise<void> {
    if (this.hits >= hits) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ hits, resolve }));
  }

  release(): void {
    this.#onRelease();
    this.#letGo();
  }
}

/** The rules in force. Every rule counts its own matches; the first that is due hits the request. */
export class FaultSet<Request, Action> {
  readonly #rules = new Set<Rule<Request, Action>>();

  add(matches: (request: Request) => boolean, action: Action, occurrence: Occurrence): Fault {
    const rule = new Rule(matches, action, occurrence, () => this.#rules.delete(rule));
    this.#rules.add(rule);
    return rule;
  }

  take(request: Request): Hit<Action> | undefined {
    const [due] = [...this.#rules].filter((rule) => rule.isDue(request));
    return due;
  }

  clear(): void {
    for (const rule of this.#rules) rule.release();
  }
}

/** Plays the part of the fault that comes before the operation; false when the connection is gone. */
export async function beforeOperation(
  hit: Hit<object> | undefined,
  request: IncomingMessage,
): Promise<boolean> {
  if (hit === undefined || isAtResponse(hit.action)) return true;
  const { action } = hit;
  hit.strike();
  if (isDelay(action)) await delay(action.delayMs);
  if (isHang(action)) await hit.released;
  if (isReset(action) && action.reset === 'request') request.socket.resetAndDestroy();
  if (isReset(action) && action.reset === 'request-body') await resetInBody(request);
  return !request.socket.destroyed;
}

/** Plays the part of the fault that comes between operation and answer; false when the connection is gone. */
export async function beforeAnswer(hit: Hit<object> | undefined, request: IncomingMessage): Promise<boolean> {
  if (hit === undefined || !isAtResponse(hit.action)) return true;
  const { action } = hit;
  hit.strike();
  if (isHang(action)) await hit.released;
  if (isReset(action) && action.reset === 'response') request.socket.resetAndDestroy();
  return !request.socket.destroyed;
}

export function cutsAnswer(hit: Hit<object> | undefined): boolean {
  return hit !== undefined && isReset(hit.action) && hit.action.reset === 'response-body';
}

async function resetInBody(request: IncomingMessage): Promise<void> {
  const half = Number(request.headers['content-length'] ?? 0) / 2;
  let seen = 0;
  request.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (seen >= half) request.socket.resetAndDestroy();
  });
  request.on('end', () => request.socket.resetAndDestroy());
  if (!request.socket.destroyed) await once(request.socket, 'close');
}

const isHang = (action: object): action is HangAction => 'hang' in action;
const isReset = (action: object): action is ResetAction => 'reset' in action;
const isDelay = (action: object): action is DelayAction => 'delayMs' in action;

function isAtResponse(action: object): boolean {
  if (isHang(action)) return action.hang === 'response';
  return isReset(action) && action.reset.startsWith('response');
}
