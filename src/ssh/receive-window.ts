import type { ServerChannel } from 'ssh2';

/** What ssh2 opens a channel with and fills it up to again, in bytes; a constant there. */
export const FIRST_WINDOW_BYTES = 2 * 1024 * 1024;

/** OpenSSH's client has 64 requests of 255 KiB under way at most: a larger window would not be filled. */
const MAX_WINDOW_BYTES = 16 * 1024 * 1024;

/** Shortest time over which the rate is taken, in milliseconds: one read is no rate. */
const LEAST_PERIOD_MS = 20;

/** What ssh2 has of a channel and does not document (docs/adr/0015-receive-window.md). */
interface ChannelInternals {
  readonly incoming?: { window?: unknown };
  readonly outgoing?: { readonly id?: unknown; readonly state?: unknown };
  readonly _client?: { readonly _protocol?: { channelWindowAdjust?: (id: number, bytes: number) => void } };
}

/** How many bytes a client may still send, and the way to let it send more (RFC 4254, section 5.2). */
export interface WindowControl {
  /** In bytes. */
  readonly left: () => number;
  readonly grant: (bytes: number) => void;
}

/** Undefined where ssh2 keeps its windows elsewhere: they stay as they are then. */
export function windowOf(channel: ServerChannel): WindowControl | undefined {
  const { incoming, outgoing, _client: client } = channel as ChannelInternals;
  const protocol = client?._protocol;
  const isKnown =
    typeof incoming?.window === 'number' &&
    typeof outgoing?.id === 'number' &&
    typeof protocol?.channelWindowAdjust === 'function';
  if (!isKnown) return undefined;
  const window = incoming as { window: number };
  return {
    left: () => window.window,
    grant: (bytes) => {
      if (outgoing?.state === 'closed') return;
      window.window += bytes;
      protocol?.channelWindowAdjust?.(outgoing?.id as number, bytes);
    },
  };
}

/**
 * Accounts for what a client may send beyond the first window: it may send it all and take no reply. Undefined when it may not; what is
 * returned is called once it cannot any more.
 */
export type HoldWindow = (bytes: number) => (() => void) | undefined;

export interface ReceiveWindowOptions {
  readonly control: WindowControl | undefined;
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
  readonly #control: WindowControl | undefined;
  readonly #hold: HoldWindow;
  readonly #held: (() => void)[] = [];
  readonly #now: () => number;
  #bytes = FIRST_WINDOW_BYTES;
  #askedAt: number | undefined;
  #roundTripMs: number | undefined;
  #periodBegan = 0;
  #periodBytes = 0;

  constructor({ control, hold, now = () => performance.now() }: ReceiveWindowOptions) {
    this.#control = control;
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

  /** The client has said something. */
  heard(): void {
    if (this.#askedAt === undefined || this.#roundTripMs !== undefined) return;
    this.#periodBegan = this.#now();
    this.#roundTripMs = this.#periodBegan - this.#askedAt;
  }

  /** The session has taken so many bytes, and has room for more. */
  taken(bytes: number): void {
    const control = this.#control;
    if (control === undefined || this.#roundTripMs === undefined) return;
    this.#periodBytes += bytes;
    // Without a quarter of the window taken there is nothing to say, nor to learn.
    const used = this.#bytes - control.left();
    if (used < this.#bytes / 4) return;
    this.#adapt(this.#roundTripMs);
    // Up to its own size ssh2 fills the window itself.
    if (this.#bytes > FIRST_WINDOW_BYTES) control.grant(this.#bytes - control.left());
  }

  /** Nothing more can come. */
  free(): void {
    for (const release of this.#held.splice(0)) release();
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
