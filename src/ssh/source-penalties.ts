import { sourceOf } from '../addresses/source-of.ts';

/** What an address did, and how long it stays outside for it, in milliseconds; after sshd_config(5), PerSourcePenalties. */
export const PENALTIES_MS = {
  /** A password, or a proof of a key, was wrong. */
  refused: 5_000,
  /** Nobody had logged in when the time for that was over. */
  late: 10_000,
  /** It went without having tried, as scanners do. */
  left: 1_000,
} as const;

export type Offence = keyof typeof PENALTIES_MS;

/** Penalties add up. Below this sum nobody is kept outside: people mistype. */
const LEAST_MS = 15_000;
const MOST_MS = 600_000;

/** An answer "no" comes later by this for each offence so far, up to {@link LONGEST_DELAY_MS}. */
const DELAY_STEP_MS = 250;
const LONGEST_DELAY_MS = 3_000;

/** Addresses that are remembered; past it the one that was punished longest ago is forgotten. */
const MAX_SOURCES = 65_536;

interface Standing {
  /** When everything is forgiven. */
  until: number;
  offences: number;
}

/**
 * Remembers who has failed to log in, by address (IPv6: by network of 64 bits), and for how long they stay outside. Of bounded
 * size, whoever knocks.
 */
export class SourcePenalties {
  readonly #now: () => number;
  readonly #maxSources: number;
  readonly #standings = new Map<string, Standing>();

  constructor({
    now = () => performance.now(),
    maxSources = MAX_SOURCES,
  }: { readonly now?: () => number; readonly maxSources?: number } = {}) {
    this.#now = now;
    this.#maxSources = maxSources;
  }

  /** Milliseconds for which an address stays outside; 0 when it may come in. */
  remaining(address: string): number {
    const standing = this.#find(sourceOf(address));
    if (standing === undefined) return 0;
    const left = standing.until - this.#now();
    return left >= LEAST_MS ? left : 0;
  }

  /** How much later than others an address is told "no", in milliseconds, with `more` offences that are not punished yet. */
  delay(address: string, more = 0): number {
    const offences = (this.#find(sourceOf(address))?.offences ?? 0) + more;
    return Math.min(offences * DELAY_STEP_MS, LONGEST_DELAY_MS);
  }

  punish(address: string, offence: Offence): void {
    const source = sourceOf(address);
    const now = this.#now();
    const { until, offences } = this.#find(source) ?? { until: now, offences: 0 };
    this.#standings.delete(source);
    if (this.#standings.size >= this.#maxSources) this.#forgetOne();
    this.#standings.set(source, {
      until: Math.min(until + PENALTIES_MS[offence], now + MOST_MS),
      offences: offences + 1,
    });
  }

  #find(source: string): Standing | undefined {
    const standing = this.#standings.get(source);
    if (standing === undefined || standing.until > this.#now()) return standing;
    this.#standings.delete(source);
    return undefined;
  }

  /** The one that was punished longest ago: most likely its penalty is over. */
  #forgetOne(): void {
    const [oldest] = this.#standings.keys();
    if (oldest !== undefined) this.#standings.delete(oldest);
  }
}
