import type { Log } from '../contract/log.ts';
import type { FoundSecret } from '../secrets/find-secret.ts';
import { UserSecretError } from './user-secret.ts';
import type { User } from './users-document.ts';

/** After how long a secret is read again, in milliseconds. */
const FRESH_MS = 60_000;

/** After how long Secrets Manager is asked again for a user who is known, when it could not be, in milliseconds. */
const RETRY_MS = 10_000;

/** Of a kind of log line, one in so many milliseconds. */
const LINE_MS = 60_000;

/** Users who are remembered; who has not come for the longest time is forgotten first. */
const MAX_KNOWN = 10_000;

/**
 * Names without a secret that are remembered for a minute. While there are so many, nobody is asked about further names: each costs a
 * request, and whoever tries names by the million would run up a bill.
 */
const MAX_UNKNOWN = 10_000;

export interface SecretCacheOptions {
  readonly find: (username: string) => Promise<FoundSecret>;
  /** @throws UserSecretError when it cannot be used. */
  readonly parse: (text: string, username: string) => User;
  readonly log: Log;
}

interface Known {
  readonly found: User;
  /** When it is read again, as `Date.now()` has it. */
  readonly staleAt: number;
}

/** The secrets of users, each read when somebody comes under its name, and again when it is a minute old. */
export class SecretCache {
  readonly #options: SecretCacheOptions;
  readonly #known = new Map<string, Known>();
  /** When each is asked for again; in the order of that. */
  readonly #unknown = new Map<string, number>();
  readonly #underWay = new Map<string, Promise<User | undefined>>();
  readonly #lines = new Map<string, number>();

  constructor(options: SecretCacheOptions) {
    this.#options = options;
  }

  /** As they were read last; undefined when they were not. */
  peek(username: string): User | undefined {
    return this.#known.get(username)?.found;
  }

  /**
   * The user, no older than a minute unless Secrets Manager cannot be asked; undefined when there is none. Rejects when it cannot be
   * asked about who is not known.
   */
  async get(username: string): Promise<User | undefined> {
    const known = this.#known.get(username);
    if (known !== undefined && Date.now() < known.staleAt) return known.found;
    this.#forgetOld();
    if (this.#unknown.has(username)) return undefined;
    if (known === undefined && this.#unknown.size >= MAX_UNKNOWN) {
      this.#say(
        'warn',
        { names: MAX_UNKNOWN },
        'too many names without a secret: further ones are refused unasked',
      );
      return undefined;
    }
    const underWay = this.#underWay.get(username) ?? this.#read(username, known?.found);
    this.#underWay.set(username, underWay);
    return await underWay;
  }

  async #read(username: string, before: User | undefined): Promise<User | undefined> {
    try {
      const answer = await this.#options.find(username);
      switch (answer.state) {
        case 'found':
          return this.#keep(username, this.#options.parse(answer.text, username), FRESH_MS);
        case 'denied':
          this.#say(
            'error',
            { problem: answer.message },
            'the secrets of users cannot be read: nobody is let in',
          );
          return this.#forget(username);
        case 'absent':
          return this.#forget(username);
      }
    } catch (error) {
      return this.#afterFailure(username, before, error);
    } finally {
      this.#underWay.delete(username);
    }
  }

  #afterFailure(username: string, before: User | undefined, error: unknown): User | undefined {
    const isFault = error instanceof UserSecretError;
    const problem = isFault ? error.faults : String((error as Error).message);
    if (before !== undefined) {
      const message = "a user's secret cannot be read again; what was there before stays";
      this.#say('warn', { user: username, problem }, message, username);
      return this.#keep(username, before, isFault ? FRESH_MS : RETRY_MS);
    }
    if (!isFault) throw error;
    this.#say('error', { user: username, problem }, "a user's secret cannot be used", username);
    return this.#forget(username);
  }

  #keep(username: string, found: User, forMs: number): User {
    this.#known.delete(username);
    this.#known.set(username, { found, staleAt: Date.now() + forMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    return found;
  }

  #forget(username: string): undefined {
    this.#known.delete(username);
    this.#unknown.set(username, Date.now() + FRESH_MS);
  }

  #forgetOld(): void {
    for (const [name, until] of this.#unknown) {
      if (Date.now() < until) return;
      this.#unknown.delete(name);
    }
  }

  /** One line a minute of each kind, and of each user where it is about one. */
  #say(level: 'warn' | 'error', fields: Readonly<Record<string, unknown>>, message: string, of = ''): void {
    const now = Date.now();
    for (const [kind, until] of this.#lines) {
      if (now < until) break;
      this.#lines.delete(kind);
    }
    const kind = `${message} ${of}`;
    if (this.#lines.has(kind)) return;
    this.#lines.set(kind, now + LINE_MS);
    this.#options.log[level](fields, message);
  }
}
