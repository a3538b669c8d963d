import { parseAddressPatterns } from '../addresses/address-patterns.ts';

/** A folder that a user sees, and where it is. */
export interface TransferFolder {
  /** As the user sees it: `/in`. */
  readonly path: string;
  readonly bucket: string;
  readonly session: Readonly<Record<string, string>>;
}

/** What a secret of AWS Transfer Family's says of a user, as an entry of the users document has it (docs/users.md). */
export interface TransferEntry {
  /** In the clear, or a hash that somebody has put into its place. */
  readonly password: string | undefined;
  readonly publicKeys: readonly string[];
  readonly session: Readonly<Record<string, string>>;
  /** Of `/`. */
  readonly bucket: string | undefined;
  /** All of them, `/` included; undefined where that is the only one. */
  readonly folders: readonly TransferFolder[] | undefined;
  /** Where sessions begin. */
  readonly home: string | undefined;
  readonly limits: { readonly addresses: readonly string[] } | undefined;
}

/** A secret cannot be used; each of `faults` names the field, and none shows a value. */
export class TransferSecretError extends Error {
  override name = 'TransferSecretError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

/** What any of them is called in the secrets of AWS's identity providers; each may have `SFTP` in front, and counts more then. */
const FIELDS = [
  'Password',
  'PublicKey',
  'PublicKeys',
  'HomeDirectory',
  'HomeDirectoryDetails',
  'HomeDirectoryType',
  'AcceptedIpNetwork',
  'AcceptedIPNetwork',
  'Role',
  'Policy',
] as const;

type Field = (typeof FIELDS)[number];
type Secret = Readonly<Record<string, unknown>>;

export interface TransferOptions {
  readonly username: string;
  /** The session attribute that has the key prefix; undefined where all users share one, so that no home can be kept. */
  readonly homeAttribute: string | undefined;
}

/** A bucket and what is below it; `/fs-...` is a file system of EFS. */
const TARGET = /^\/(?!fs-[\da-f]{8,}(?:\/|$))([a-z\d][a-z\d.-]{1,61}[a-z\d])\/(.+)$/;

/** Whether a secret is written as AWS's identity providers for Transfer Family have it. */
export function isTransferSecret(secret: Secret): boolean {
  return FIELDS.some((field) => Object.hasOwn(secret, field) || Object.hasOwn(secret, `SFTP${field}`));
}

/**
 * What a secret in the format of AWS's identity provider for Transfer Family says: that of the blueprint with Secrets Manager (`Password`,
 * `PublicKey`, `Role`, `HomeDirectory`, `HomeDirectoryDetails`, `AcceptedIpNetwork`) and that of the toolkit (`PublicKeys`). `Role` is
 * passed over: the service has one of its own.
 * @throws TransferSecretError with everything that is wrong, and what would be let in without.
 */
export function readTransferSecret(secret: Secret, options: TransferOptions): TransferEntry {
  const faults: string[] = [];
  /** What `work` makes of it; `fallback` when it throws, and one more fault. */
  const attempt = <T>(work: () => T, fallback: T): T => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TransferSecretError)) throw error;
      faults.push(...error.faults);
      return fallback;
    }
  };
  const home = attempt(() => toHome(secret, options), NO_HOME);
  const entry = {
    ...home,
    password: attempt(() => textOf(secret, 'Password'), undefined),
    publicKeys: attempt(() => toPublicKeys(secret), []),
    limits: attempt(() => toLimits(secret), undefined),
  };
  if (fieldOf(secret, 'Policy') !== undefined && !Object.hasOwn(secret, 'permissions')) {
    faults.push('Policy: is not applied here: say what the user may do by "permissions"');
  }
  if (faults.length > 0) throw new TransferSecretError(faults);
  return entry;
}

/** What is empty is not there, as for AWS's functions. */
function fieldOf(secret: Secret, field: Field): unknown {
  const values = [`SFTP${field}`, field].map((name) =>
    Object.hasOwn(secret, name) ? secret[name] : undefined,
  );
  return values.find((value) => value !== undefined && value !== null && value !== '');
}

function textOf(secret: Secret, field: Field): string | undefined {
  const value = fieldOf(secret, field);
  if (value === undefined || typeof value === 'string') return value;
  throw new TransferSecretError([`${field}: must be a text`]);
}

/** One, several with commas or line breaks in between, or a list: as JSON, or as Python writes it. */
function toPublicKeys(secret: Secret): string[] {
  const field = fieldOf(secret, 'PublicKeys') === undefined ? 'PublicKey' : 'PublicKeys';
  const value = fieldOf(secret, field);
  if (value === undefined) return [];
  const lines = typeof value === 'string' ? toLines(value) : value;
  if (Array.isArray(lines) && lines.every((line) => typeof line === 'string')) return lines;
  throw new TransferSecretError([`${field}: must be a list of public keys, or a text of them`]);
}

function toLines(text: string): string[] {
  const list = /^\s*\[([\s\S]*)\]\s*$/.exec(text)?.[1];
  if (list === undefined) {
    const lines = text.split(/[\r\n]+|,\s*(?=(?:ssh-|ecdsa-|sk-)\S+\s+AAAA)/);
    return lines.map((line) => line.trim()).filter((line) => line !== '');
  }
  return [...list.matchAll(/'([^']*)'|"((?:\\.|[^"\\])*)"/g)].map(
    ([, single, double = '']) => single ?? double.replaceAll('\\"', '"'),
  );
}

function toLimits(secret: Secret): TransferEntry['limits'] {
  const field =
    fieldOf(secret, 'AcceptedIpNetwork') === undefined ? 'AcceptedIPNetwork' : 'AcceptedIpNetwork';
  const addresses = textOf(secret, field)
    ?.split(',')
    .map((address) => address.trim());
  if (addresses === undefined) return undefined;
  if (
    addresses.every(
      (address) => /^[\da-f.:/]+$/i.test(address) && parseAddressPatterns(address) !== undefined,
    )
  )
    return { addresses };
  throw new TransferSecretError([`${field}: must be subnets, with commas in between: 192.0.2.0/24`]);
}

type Home = Pick<TransferEntry, 'session' | 'bucket' | 'folders' | 'home'>;

const NO_HOME: Home = { session: {}, bucket: undefined, folders: undefined, home: undefined };

function toHome(secret: Secret, options: TransferOptions): Home {
  const isPath = textOf(secret, 'HomeDirectoryType') === 'PATH';
  const details = isPath ? undefined : fieldOf(secret, 'HomeDirectoryDetails');
  const directory = textOf(secret, 'HomeDirectory');
  if (details === undefined && directory === undefined) return NO_HOME;
  const field = details === undefined ? 'HomeDirectory' : 'HomeDirectoryDetails';
  const mappings = details === undefined ? [{ entry: '/', target: directory ?? '' }] : toMappings(details);
  const folders = mappings.map(({ entry, target }) => ({ path: entry, ...toPlace(field, target, options) }));
  if (new Set(folders.map(({ path }) => path)).size < folders.length) {
    throw new TransferSecretError([`${field}: has an Entry more than once`]);
  }
  const [root, ...others] = folders.toSorted((one, other) => one.path.length - other.path.length);
  const isRootAlone = root?.path === '/' && others.length === 0;
  const begin = details === undefined ? undefined : directory?.replace(/(.)\/+$/, '$1');
  // With mappings it is the path where a session begins, or left over from before they were there.
  const isMapped = folders.some(
    ({ path }) => path === '/' || path === begin || begin?.startsWith(`${path}/`),
  );
  return {
    session: root?.path === '/' ? root.session : {},
    bucket: root?.path === '/' ? root.bucket : undefined,
    folders: isRootAlone ? undefined : folders,
    home: isMapped ? begin : undefined,
  };
}

/** `[{"Entry": "/in", "Target": "/bucket/prefix"}]`, or a text of that. */
function toMappings(details: unknown): { readonly entry: string; readonly target: string }[] {
  const fault = new TransferSecretError([
    'HomeDirectoryDetails: must be a list of folders: [{"Entry": "/in", "Target": "/bucket/prefix"}]',
  ]);
  const list = typeof details === 'string' ? toJson(details) : details;
  if (!Array.isArray(list) || list.length === 0) throw fault;
  return list.map((mapping: unknown) => {
    const { Entry: entry, Target: target, Type: type = 'DIRECTORY' } = Object(mapping) as Secret;
    if (typeof entry !== 'string' || typeof target !== 'string' || !entry.startsWith('/')) throw fault;
    if (type !== 'DIRECTORY') {
      throw new TransferSecretError(['HomeDirectoryDetails: has a Target that is a FILE; name its folder']);
    }
    return { entry: entry === '/' ? entry : entry.replace(/\/+$/, ''), target };
  });
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toPlace(field: Field, target: string, { username, homeAttribute }: TransferOptions) {
  if (homeAttribute === undefined) {
    throw new TransferSecretError([
      `${field}: needs SLUICE_PREFIX=session:prefix: with one prefix for all, users would see each other's files`,
    ]);
  }
  const named = target.replaceAll(/\$\{transfer:username\}/gi, username);
  const [, bucket = '', below = ''] = TARGET.exec(named) ?? [];
  const prefix = below.replace(/^\/+|\/+$/g, '');
  if (prefix === '' || prefix.split('/').some((name) => ['', '.', '..'].includes(name))) {
    throw new TransferSecretError([
      `${field}: must lead to a folder in a bucket (/bucket/prefix), not to a whole bucket or another store`,
    ]);
  }
  return { bucket, session: { [homeAttribute]: `${prefix}/` } };
}
