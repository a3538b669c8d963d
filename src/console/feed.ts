import type { ServerResponse } from 'node:http';
import type { StateMessage } from './messages.ts';
import type { ConsoleSource } from './source.ts';
import { toState } from './to-messages.ts';
import { toUpdate } from './to-update.ts';

export interface FeedLimits {
  /** Pages that may listen at once. */
  readonly listeners: number;
  /**
   * How far a page may be behind, in bytes, beyond the state that it began with: one that does not read is let go, and
   * asks for a new stream if it lives.
   */
  readonly unreadBytes: number;
  /** How often live numbers are told while somebody listens, in milliseconds. */
  readonly everyMs: number;
  /** How soon the end of an upload is told: soon, but those that end together in one event. */
  readonly soonMs: number;
  /** The longest silence: without a sign of life the page takes the connection for lost. */
  readonly silenceMs: number;
}

const LIMITS: FeedLimits = {
  listeners: 32,
  unreadBytes: 1024 * 1024,
  everyMs: 500,
  soonMs: 50,
  silenceMs: 10_000,
};

/** How long the page waits before it connects again, in milliseconds. */
const RETRY_MS = 1000;

/**
 * Tells every listener what happens, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html):
 * a `state` at first, then `update`s. While nobody listens it looks at nothing and has no timer.
 */
export class Feed {
  readonly #source: ConsoleSource;
  readonly #limits: FeedLimits;
  /** Each with the bytes that it may be behind. */
  readonly #listeners = new Map<ServerResponse, number>();
  /** What every listener has been told so far. */
  #told: StateMessage | undefined;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #stopWatching: (() => void) | undefined;
  #lastSentAt = 0;

  constructor(source: ConsoleSource, limits: Partial<FeedLimits> = {}) {
    this.#source = source;
    this.#limits = { ...LIMITS, ...limits };
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  get isFull(): boolean {
    return this.#listeners.size >= this.#limits.listeners;
  }

  /** Takes over a response whose head has been written. */
  add(response: ServerResponse): void {
    if (this.#listeners.size === 0) this.#start();
    // The others are brought up to the state that the new one begins with: from then on all are told the same.
    this.#tell();
    this.#told ??= toState(this.#source);
    const state = `retry: ${RETRY_MS}\n${toEvent('state', { ...this.#told, now: Date.now() })}`;
    this.#listeners.set(response, Buffer.byteLength(state) + this.#limits.unreadBytes);
    response.once('close', () => this.#remove(response));
    response.write(state);
  }

  /** Tells how it ended, as far as listeners take that at once. */
  close(): void {
    this.#tell();
    for (const response of this.#listeners.keys()) response.end();
    this.#listeners.clear();
    this.#stop();
  }

  #start(): void {
    this.#timer = setInterval(() => this.#tell(), this.#limits.everyMs);
    this.#stopWatching = this.#source.onChange(() => {
      this.#soon ??= setTimeout(() => this.#tell(), this.#limits.soonMs);
    });
  }

  #stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#stopWatching?.();
    this.#soon = undefined;
    this.#told = undefined;
  }

  #remove(response: ServerResponse): void {
    if (this.#listeners.delete(response) && this.#listeners.size === 0) this.#stop();
  }

  #tell(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    if (this.#listeners.size === 0) return;
    const state = toState(this.#source);
    const update = this.#told && toUpdate(this.#told, state);
    this.#told = state;
    if (update !== undefined) this.#send(toEvent('update', update));
    else if (state.now - this.#lastSentAt >= this.#limits.silenceMs) {
      this.#send(toEvent('update', { now: state.now }));
    }
  }

  #send(event: string): void {
    this.#lastSentAt = Date.now();
    for (const [response, unreadBytes] of [...this.#listeners]) {
      if (response.writableLength > unreadBytes) {
        this.#remove(response);
        response.destroy();
      } else response.write(event);
    }
  }
}

/** JSON has no line breaks of its own, so the data is one line whatever clients call their files. */
function toEvent(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
