/** What ssh2 opens a channel with, in bytes; a constant there. */
export const FIRST_WINDOW_BYTES = 2 * 1024 * 1024;

/** OpenSSH's client has 64 requests of 255 KiB under way at most: a larger window would not be filled. */
const MAX_WINDOW_BYTES = 16 * 1024 * 1024;

/** Shortest time over which the rate is taken, in milliseconds: one read is no rate. */
const LEAST_PERIOD_MS = 20;

/**
 * Accounts for what a client may send beyond the first window: it may send it all and take no reply. Undefined when it may not; what is
 * returned is called once it cannot any more.
 */
export type HoldWindow = (bytes: number) => (() => void) | undefined;

export interface ReceiveWindowOptions {
  /** Lets the client send so many bytes more (RFC 4254, section 5.2). */
  readonly grant: (bytes: number) => void;
  readonly hold: HoldWindow;
  /** In milliseconds; the process's own clock unless told. */
  readonly now?: () => number;
}

/**
 * How much one client may send before it hears that more was taken. A client that is far away sends no more than that in a round
 * trip: 2 MiB in 50 ms are 40 MiB/s on any line. So the window follows what the line carries in two round trips, up to 16 MiB.
 *
 * The round trip is how long the client took to go on after the first words of the session, which every client waits for. What was
 * granted cannot be taken back, so it is held until the end.
 */
export class ReceiveWindow {
  readonly #grant: (bytes: number) => void;
  readonly #hold: HoldWindow;
  readonly #held: (() => void)[] = [];
  readonly #now: () => number;
  #bytes = FIRST_WINDOW_BYTES;
  /** Bytes that the client may still send, as it has heard. */
  #left = FIRST_WINDOW_BYTES;
  /** Bytes that have come and that the session has not taken. */
  #waiting = 0;
  #askedAt: number | undefined;
  #roundTripMs: number | undefined;
  #periodBegan = 0;
  #periodBytes = 0;

  constructor({ grant, hold, now = () => performance.now() }: ReceiveWindowOptions) {
    this.#grant = grant;
    this.#hold = hold;
    this.#now = now;
  }

  /** Most that the client may send before it hears more, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The server has said something. */
  spoken(): void {
    this.#askedAt ??= this.#now();
  }

  /** The client has sent so many bytes. */
  received(bytes: number): void {
    this.#left -= bytes;
    this.#waiting += bytes;
    if (this.#askedAt === undefined || this.#roundTripMs !== undefined) return;
    this.#periodBegan = this.#now();
    this.#roundTripMs = this.#periodBegan - this.#askedAt;
  }

  /** The session has taken so many of them, and has room for more. */
  taken(bytes: number): void {
    this.#waiting -= bytes;
    this.#periodBytes += bytes;
    // Without a quarter of the window to give back there is nothing to say, nor to learn.
    if (this.#used < this.#bytes / 4) return;
    if (this.#roundTripMs !== undefined) this.#adapt(this.#roundTripMs);
    const more = this.#used;
    this.#left += more;
    this.#grant(more);
  }

  /** Nothing more can come. */
  free(): void {
    for (const release of this.#held.splice(0)) release();
  }

  /** Bytes of the window that have been sent and taken. */
  get #used(): number {
    return this.#bytes - this.#left - this.#waiting;
  }

  #adapt(roundTripMs: number): void {
    const now = this.#now();
    const elapsed = now - this.#periodBegan;
    if (elapsed < Math.max(roundTripMs, LEAST_PERIOD_MS)) return;
    const wanted = Math.min((2 * this.#periodBytes * roundTripMs) / elapsed, MAX_WINDOW_BYTES);
    this.#periodBegan = now;
    this.#periodBytes = 0;
    const more = Math.ceil(wanted) - this.#bytes;
    const release = more > 0 ? this.#hold(more) : undefined;
    if (release === undefined) return;
    this.#held.push(release);
    this.#bytes += more;
  }
}
