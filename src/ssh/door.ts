import { sourceOf } from '../addresses/source-of.ts';
import type { SourcePenalties } from './source-penalties.ts';

/** How long somebody who has begun to log in is left in peace when others want in, in milliseconds. */
const PATIENCE_MS = 10_000;

const KEPT_OUTSIDE = 'connection refused: too many failed logins from this address';

/** Why somebody is not let in: fixed sentences, for the log. */
export type Refusal =
  | 'connection refused: too many'
  | 'connection refused: too many from this address that have not logged in'
  | typeof KEPT_OUTSIDE;

/** One connection, from the moment it was accepted. */
export interface Visit {
  /** It is known whose it is. Answers why they may not come in, if so. */
  from(address: string): Refusal | undefined;
  /** The client has said which software it is: it is no longer one that says nothing. */
  identified(): void;
  /** A password or a signature was wrong: how much later than usual to say so, in milliseconds. */
  guessed(): number;
  loggedIn(): void;
  /** The connection has ended; `late` when the time to log in was over. */
  ended(late: boolean): void;
}

export interface DoorOptions {
  /** Connections at once, those included that have not logged in. */
  readonly maxSessions: number;
  /** Those of one address (IPv6: network of 64 bits) that have not logged in. */
  readonly maxStartupsPerSource: number;
  /** Whom nobody punishes, and who may have as many as there are. */
  readonly isExempt: (address: string) => boolean;
  readonly penalties: SourcePenalties;
  readonly now?: () => number;
}

interface Startup {
  readonly since: number;
  readonly end: () => void;
  address: string | undefined;
  source: string | undefined;
  hasSpoken: boolean;
  failures: number;
  isOver: boolean;
}

/**
 * Decides who may wait inside to log in. When all places are taken, or all that an address may have, whoever says nothing
 * gives way to the newcomer, and then who has been at it for long: connections that only stand about keep nobody out.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #now: () => number;
  /** Those that have not logged in, the oldest first. */
  readonly #startups = new Set<Startup>();
  #connections = 0;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * A connection was accepted, and `end` would end it. Answers why there is no place for it, if so. `address` is whose it is, where
   * no proxy has to say that first: for one who is kept outside, nobody gives way.
   */
  knock(end: () => void, address?: string): Visit | Refusal {
    if (address !== undefined && this.#isKeptOutside(address)) return KEPT_OUTSIDE;
    if (this.#connections >= this.#options.maxSessions && !this.#makeRoom(() => true)) {
      return 'connection refused: too many';
    }
    const startup: Startup = {
      since: this.#now(),
      end,
      address: undefined,
      source: undefined,
      hasSpoken: false,
      failures: 0,
      isOver: false,
    };
    this.#startups.add(startup);
    this.#connections += 1;
    return this.#visitOf(startup);
  }

  #visitOf(startup: Startup): Visit {
    return {
      from: (address) => {
        const source = sourceOf(address);
        const refusal = this.#refusalOf(address, source);
        // Who is refused is not punished for coming: they would never be let in again while they try.
        if (refusal === undefined) Object.assign(startup, { address, source });
        return refusal;
      },
      identified: () => {
        startup.hasSpoken = true;
      },
      guessed: () => {
        startup.failures += 1;
        const { address } = startup;
        if (address === undefined || this.#options.isExempt(address)) return 0;
        return this.#options.penalties.delay(address, startup.failures);
      },
      loggedIn: () => {
        startup.failures = 0;
        this.#startups.delete(startup);
      },
      ended: (late) => {
        if (this.#leave(startup)) this.#punish(startup, late);
      },
    };
  }

  #refusalOf(address: string, source: string): Refusal | undefined {
    const { isExempt, maxStartupsPerSource } = this.#options;
    if (isExempt(address)) return undefined;
    if (this.#isKeptOutside(address)) return KEPT_OUTSIDE;
    const isNeighbour = (other: Startup) => other.source === source;
    const neighbours = [...this.#startups].filter(isNeighbour).length;
    if (neighbours < maxStartupsPerSource || this.#makeRoom(isNeighbour)) return undefined;
    return 'connection refused: too many from this address that have not logged in';
  }

  #isKeptOutside(address: string): boolean {
    const { isExempt, penalties } = this.#options;
    return penalties.remaining(address) > 0 && !isExempt(address);
  }

  /** Ends one of those that match, if there is one that may be ended. */
  #makeRoom(matches: (startup: Startup) => boolean): boolean {
    const candidates = [...this.#startups].filter(matches);
    const leaving =
      candidates.find((startup) => !startup.hasSpoken) ??
      candidates.find((startup) => startup.since <= this.#now() - PATIENCE_MS);
    if (leaving === undefined) return false;
    this.#leave(leaving);
    leaving.end();
    return true;
  }

  /** Whether it was one that had not logged in, and had not left before. */
  #leave(startup: Startup): boolean {
    if (!startup.isOver) this.#connections -= 1;
    startup.isOver = true;
    return this.#startups.delete(startup);
  }

  #punish({ address, failures }: Startup, late: boolean): void {
    const { isExempt, penalties } = this.#options;
    if (address === undefined || isExempt(address)) return;
    for (let count = 0; count < failures; count++) penalties.punish(address, 'refused');
    if (failures === 0) penalties.punish(address, late ? 'late' : 'left');
  }
}
