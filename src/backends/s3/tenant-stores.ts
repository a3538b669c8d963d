import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Principal } from '../../contract/context.ts';
import type { PrefixMapper } from '../../contract/prefix.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import type { AssumedRole, RoleSession, SessionCredentials } from './assume-role.ts';
import { STAGING_PREFIX } from './keys.ts';
import { Recent } from './recent.ts';
import { toSessionPolicy } from './session-policy.ts';
import type { ObjectStore } from './store.ts';

/** Whose clients are kept, with their credentials. */
const MAX_TENANTS = 1000;

/** As whom, with which permissions. */
interface Who {
  readonly username: string;
  readonly permissions: Principal['permissions'];
}

/** A name that nobody can log in by: the session that finds out whether the role is of use. */
const PROBE_NAME = 'sluice:probe';

export interface TenantStoresOptions {
  readonly role: AssumedRole;
  readonly roleArn: string;
  readonly hasKms: boolean;
  readonly prefixes: PrefixMapper;
  /** Those of the service's own account, by the bucket's name. */
  readonly storeOf: (principal: Principal) => ObjectStore;
  readonly createClient: (credentials: () => Promise<SessionCredentials>) => S3Client;
  readonly limit?: number;
}

/**
 * Each principal's files, reached by credentials that are good for nothing else. The same principal has the same client, and with it
 * the same credentials, whichever connection it is that asks.
 */
export class TenantStores {
  readonly #options: TenantStoresOptions;
  readonly #stores: Recent<ObjectStore>;

  constructor(options: TenantStoresOptions) {
    this.#options = options;
    this.#stores = new Recent(options.limit ?? MAX_TENANTS);
  }

  /** @throws FsError `EACCES` for a principal without a prefix, where prefixes are the principals'. */
  store(principal: Principal): ObjectStore {
    const { username, permissions } = principal;
    const own = this.#options.storeOf(principal);
    const prefix = this.#options.prefixes.prefixOf(principal);
    // By the name, too: what is done with the credentials is that user's, in the trail of the account.
    const name = JSON.stringify([own.bucket, prefix, username, permissions && [...permissions].sort()]);
    return this.#stores.get(name, () => this.#create(own, prefix, { username, permissions }));
  }

  /** Assumes the role for a prefix that nothing lies below, and lists that. */
  async probe(own: ObjectStore): Promise<ProbeResult> {
    const prefix = `${STAGING_PREFIX}probe/`;
    const session = this.#session(own.bucket, prefix, prefix, {
      username: PROBE_NAME,
      permissions: ['list'],
    });
    const { role, createClient } = this.#options;
    const store = own.with({ client: createClient(role.credentials(session)) });
    return await role.probe(session, () => store.keysBelow(prefix, 1));
  }

  #create(own: ObjectStore, prefix: string, who: Who): ObjectStore {
    const { role, createClient } = this.#options;
    // Of the prefix alone: the folder that a rename has begun in is found by who goes on with it.
    const folder = createHash('sha256').update(prefix).digest('hex').slice(0, 32);
    const stagingPrefix = `${STAGING_PREFIX}${folder}/`;
    const session = this.#session(own.bucket, prefix, stagingPrefix, who);
    return own.with({ client: createClient(role.credentials(session)), stagingPrefix });
  }

  #session(
    bucket: string,
    prefix: string,
    stagingPrefix: string,
    { username, permissions }: Who,
  ): RoleSession {
    const { roleArn, hasKms } = this.#options;
    const [, partition = 'aws'] = roleArn.split(':');
    return {
      username,
      policy: toSessionPolicy({ partition, bucket, prefix, stagingPrefix, permissions, hasKms }),
    };
  }
}
