import { isDeepStrictEqual } from 'node:util';
import type { Authenticator } from '../contract/auth.ts';
import type { Log } from '../contract/log.ts';
import { fingerprint } from '../keys/public-key.ts';
import { createUsersAuthenticator } from './users-authenticator.ts';
import type { User } from './users-document.ts';
import { type UsersSource, UsersSourceError } from './users-source.ts';

/** Knows the users as they were when they could be read last. Sessions of one who is removed go on. */
export interface RereadingAuthenticator extends Authenticator {
  /** Begins to read the users again and again. */
  start(): void;
  stop(): void;
}

export interface RereadingOptions {
  /** As they were read before the start. */
  readonly users: readonly User[];
  readonly source: UsersSource;
  readonly log: Log;
}

/**
 * Authenticates against users that may change meanwhile. Those that cannot be read, or of which one is wrong, change
 * nothing: the log has one line about it, another when the reason is another one, and one when all is well again.
 */
export function createRereadingAuthenticator(options: RereadingOptions): RereadingAuthenticator {
  const { source, log } = options;
  let { users } = options;
  let current = createUsersAuthenticator(users);
  let problems: readonly string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function reread(): Promise<void> {
    try {
      const found = await source.load();
      const changes = changesBetween(users, found);
      if (changes !== undefined) {
        current = createUsersAuthenticator(found);
        users = found;
        const keyFingerprints = fingerprintsOf(users, [...changes.added, ...changes.changed]);
        log.info({ users: users.length, ...changes, keyFingerprints }, 'the users have changed');
      }
      if (problems.length > 0) log.info({}, 'the users can be read again');
      problems = [];
    } catch (error) {
      const faults = error instanceof UsersSourceError ? error.faults : [String(error)];
      if (isDeepStrictEqual(faults, problems)) return;
      log.warn({ problems: faults }, 'the users cannot be read again; those who were there before stay');
      problems = faults;
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => void reread().then(schedule), source.rereadMs).unref();
  }

  return {
    authenticate: (credentials, connection, proven) => current.authenticate(credentials, connection, proven),
    waivesTouch: (credentials, connection) => current.waivesTouch?.(credentials, connection) ?? false,
    start: schedule,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Names of users; undefined when all are as they were. */
function changesBetween(before: readonly User[], after: readonly User[]) {
  const [old, now] = [byName(before), byName(after)];
  const added = [...now.keys()].filter((name) => !old.has(name));
  const removed = [...old.keys()].filter((name) => !now.has(name));
  const changed = [...now.keys()].filter(
    (name) => old.has(name) && !isDeepStrictEqual(old.get(name), now.get(name)),
  );
  return added.length + removed.length + changed.length === 0 ? undefined : { added, removed, changed };
}

/** Of the keys that these users have now, by their names. */
function fingerprintsOf(users: readonly User[], names: readonly string[]) {
  const known = byName(users);
  return Object.fromEntries(
    names.map((name) => [name, known.get(name)?.publicKeys.map(({ key }) => fingerprint(key)) ?? []]),
  );
}

function byName(users: readonly User[]): ReadonlyMap<string, User> {
  return new Map(users.map((user) => [user.principal.username, user]));
}
