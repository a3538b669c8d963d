import type { Principal } from '../contract/context.ts';
import type { Paces } from '../contract/pace.ts';
import { BucketPace } from './bucket-pace.ts';

export interface UsersInsideOptions {
  /** Connections of one user that may be logged in at once, unless their own limit says otherwise; 0: any number. */
  readonly maxSessionsPerUser: number;
}

interface Inside {
  connections: number;
  uploads?: BucketPace;
  downloads?: BucketPace;
  /** Runs while nobody of them is there and their buckets are not full yet. */
  forgetting?: NodeJS.Timeout | undefined;
}

/** Who is logged in, as often as they are, and what those who are the same share: their pace. Of this process alone. */
export class UsersInside {
  readonly #maxSessionsPerUser: number;
  readonly #users = new Map<string, Inside>();

  constructor({ maxSessionsPerUser }: UsersInsideOptions) {
    this.#maxSessionsPerUser = maxSessionsPerUser;
  }

  /** Users of whom anything is known. */
  get size(): number {
    return this.#users.size;
  }

  /**
   * A connection is about to be logged in. The returned function is to be called at its end, once; undefined when there are as many
   * as there may be. What the limits of the principal say of the pace holds from now on for all their connections.
   */
  enter({ username, limits }: Principal): (() => void) | undefined {
    const most = limits?.sessions ?? (this.#maxSessionsPerUser || Number.POSITIVE_INFINITY);
    const known = this.#users.get(username);
    if (known !== undefined && known.connections >= most) return undefined;
    const user: Inside = known ?? { connections: 0 };
    this.#users.set(username, user);
    clearTimeout(user.forgetting);
    user.connections += 1;
    setPace(user, limits?.bytesPerSecond);
    return () => {
      user.connections -= 1;
      if (user.connections === 0) this.#forget(username, user);
    };
  }

  /** The pace of somebody who is inside; undefined for one that has none. */
  pacesOf({ username }: Principal): Paces | undefined {
    const { uploads, downloads } = this.#users.get(username) ?? {};
    return uploads === undefined || downloads === undefined ? undefined : { uploads, downloads };
  }

  /** Not before the buckets are full again: who goes and comes back has no more for it. */
  #forget(username: string, user: Inside): void {
    const { uploads, downloads } = user;
    const waitMs = Math.max(uploads?.bucket.fullInMs ?? 0, downloads?.bucket.fullInMs ?? 0);
    user.forgetting = setTimeout(() => this.#users.delete(username), waitMs).unref();
  }
}

function setPace(user: Inside, bytesPerSecond: number | undefined): void {
  if (bytesPerSecond === undefined) {
    delete user.uploads;
    delete user.downloads;
    return;
  }
  for (const direction of ['uploads', 'downloads'] as const) {
    const pace = user[direction];
    if (pace === undefined) user[direction] = new BucketPace(bytesPerSecond);
    else pace.bucket.setRate(bytesPerSecond);
  }
}
