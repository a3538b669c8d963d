import { groups } from './groups.ts';
import {
  type Digest,
  identity,
  isAcknowledged,
  type Journal,
  mayBeDelivered,
  type ReceivedJob,
  type SentUpload,
  type StoredVersion,
} from './journal.ts';

export interface Violation {
  readonly rule: keyof typeof RULES;
  readonly what: string;
}

export interface Observed extends Pick<Journal, 'uploads' | 'versions' | 'jobs'> {
  /** What every client's path stands below in the bucket. */
  readonly prefix: string;
  /** Objects in the end, by key, without those below `.sluice/`. */
  readonly remaining: ReadonlyMap<string, Digest>;
  /** Keys below `.sluice/outbox/` in the end. */
  readonly outbox: readonly string[];
  readonly openUploads: number;
  /** A job is promised for each object, and not only for what was acknowledged. */
  readonly everyObject: boolean;
  /** Nothing has happened for which an upload may fail. */
  readonly mustAcknowledge: boolean;
  /** The server was left the time to answer what it was doing: what a client was not told of has not happened. */
  readonly mustTell: boolean;
}

type Rule = (observed: Observed) => string[];

const RULES = {
  'an upload was not acknowledged': ({ uploads, mustAcknowledge }) =>
    mustAcknowledge ? uploads.filter((upload) => !isAcknowledged(upload)).map(nameOf) : [],
  'acknowledged, but not kept': notKept,
  'staged, but not kept': stagedNotKept,
  'an object that nobody sent': sentByNobody,
  'done, but its client was not told': doneUntold,
  'acknowledged, but without a job': ({ uploads, jobs }) => {
    const told = new Set(jobs.map(identity));
    return uploads.filter((upload) => isAcknowledged(upload) && !told.has(identity(upload))).map(nameOf);
  },
  'a job of nothing that was delivered': ({ uploads, jobs, prefix }) => {
    const delivered = new Set(uploads.filter(mayBeDelivered).map(identity));
    const isTrue = (job: ReceivedJob) =>
      delivered.has(identity(job)) && job.key === prefix + job.path.slice(1);
    return jobs.filter((job) => !isTrue(job)).map(nameOf);
  },
  'a job before its object': ({ versions, jobs }) => {
    const first = new Map<string, number>();
    for (const version of versions) if (!first.has(exact(version))) first.set(exact(version), version.order);
    const isThere = (job: ReceivedJob) => (first.get(exact(job)) ?? Number.POSITIVE_INFINITY) < job.order;
    return jobs.filter((job) => !isThere(job)).map(nameOf);
  },
  'several ids for one upload': ({ jobs }) => severalPer(jobs, exact, ({ id }) => id),
  'one id for several uploads': ({ jobs }) => severalPer(jobs, ({ id }) => id, exact),
  'an object without a job': (observed) =>
    observed.everyObject ? withoutJob(observed).filter(isLast(observed.versions)).map(nameOf) : [],
  'left in the outbox': ({ outbox }) => [...outbox],
  'multipart uploads left open by a server that was not killed': ({ openUploads }) =>
    openUploads === 0 ? [] : [`${openUploads}`],
} as const satisfies Record<string, Rule>;

/** Everything that is not as it was promised. */
export function verify(observed: Observed): Violation[] {
  return Object.entries(RULES).flatMap(([rule, check]) =>
    check(observed).map((what) => ({ rule: rule as Violation['rule'], what })),
  );
}

/** Objects that came to exist under a final name and that no job tells of. */
export function withoutJob({ versions, jobs, uploads, prefix }: Observed): StoredVersion[] {
  const told = new Set(jobs.map(exact));
  const finals = new Set(uploads.map(({ path }) => prefix + path.slice(1)));
  return versions.filter((version) => finals.has(version.key) && !told.has(exact(version)));
}

/** What stands under a path is the last upload that was acknowledged there, or one that came after. */
function notKept({ uploads, remaining, prefix }: Observed): string[] {
  return [...groups(uploads, ({ path }) => path)].flatMap(([path, ofPath]) => {
    const last = ofPath.findLastIndex(isAcknowledged);
    if (last === -1) return [];
    const found = remaining.get(prefix + path.slice(1));
    const isOne = ofPath.slice(last).some((upload) => mayBeDelivered(upload) && isSame(upload, found));
    return isOne ? [] : [`${nameOf(ofPath[last] as SentUpload)}, found ${found?.sha256 ?? 'nothing'}`];
  });
}

/** What was closed under a temporary name, and touched by nothing since, stands there, or where its RENAME was to bring it. */
function stagedNotKept({ uploads, remaining, prefix }: Observed): string[] {
  const last = [...groups(uploads, ({ path }) => path).values()].map((ofPath) => ofPath.at(-1) as SentUpload);
  return last.flatMap((upload) => {
    const { path, temporary, closed, renamed } = upload;
    if (temporary === undefined || closed !== 'ok' || renamed === 'ok') return [];
    const places = renamed === undefined ? [temporary] : [temporary, path];
    const isKept = places.some((place) => isSame(upload, remaining.get(prefix + place.slice(1))));
    return isKept ? [] : [nameOf(upload)];
  });
}

/** Every object is whole, and stands where its client wanted it. */
function sentByNobody({ uploads, versions, prefix }: Observed): string[] {
  const sent = groups(uploads, ({ sha256 }) => sha256);
  const isSentTo = (path: string) => (upload: SentUpload) =>
    (upload.path === path && mayBeDelivered(upload)) ||
    (upload.temporary === path && upload.closed !== undefined);
  const isSent = ({ key, sha256 }: StoredVersion) =>
    sent.get(sha256)?.some(isSentTo(`/${key.slice(prefix.length)}`)) ?? false;
  return versions.filter((version) => !isInternal(version) && !isSent(version)).map(nameOf);
}

/** Neither object nor job of an upload whose client has heard of no success. */
function doneUntold({ uploads, versions, jobs, prefix, mustTell }: Observed): string[] {
  if (!mustTell) return [];
  const told = new Set(jobs.map(identity));
  const made = groups(versions, ({ key }) => key);
  const isMade = (path: string, upload: SentUpload) =>
    made.get(prefix + path.slice(1))?.some((version) => isSame(upload, version)) ?? false;
  const isDone = (upload: SentUpload) =>
    isMade(upload.path, upload) ||
    told.has(identity(upload)) ||
    (upload.temporary !== undefined && upload.closed !== 'ok' && isMade(upload.temporary, upload));
  return uploads.filter((upload) => !isAcknowledged(upload) && isDone(upload)).map(nameOf);
}

const isInternal = ({ key }: { readonly key: string }) => key.startsWith('.sluice/');
const isSame = (upload: Digest, found: Digest | undefined) => upload.sha256 === found?.sha256;

/** One object that came to exist, by all that a job tells of it. */
const exact = ({ key, etag, size, crc32 }: ReceivedJob | StoredVersion) =>
  JSON.stringify([key, etag, size, crc32]);

/** Whether nothing has taken an object's place since. */
function isLast(versions: readonly StoredVersion[]) {
  const last = new Map(versions.map((version) => [version.key, version.order]));
  return ({ key, order }: StoredVersion) => last.get(key) === order;
}

function severalPer(
  jobs: readonly ReceivedJob[],
  by: (job: ReceivedJob) => string,
  of: (job: ReceivedJob) => string,
): string[] {
  return [...groups(jobs, by)].flatMap(([name, ofName]) => {
    const values = new Set(ofName.map(of));
    return values.size === 1 ? [] : [`${name}: ${[...values].join(', ')}`];
  });
}

function nameOf(item: SentUpload | StoredVersion | ReceivedJob): string {
  const name = 'path' in item ? item.path : item.key;
  return `${name} (${item.size} bytes, CRC32 ${item.crc32})`;
}
