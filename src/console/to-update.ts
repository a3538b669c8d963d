import type {
  Changes,
  SessionMessage,
  SessionNumbers,
  StateMessage,
  UpdateMessage,
  UploadMessage,
  UploadNumbers,
} from './messages.ts';

/** What leads from one state to the next; undefined when nothing has changed. */
export function toUpdate(before: StateMessage, after: StateMessage): UpdateMessage | undefined {
  const sessions = changesOf(before.sessions, after.sessions, sessionNumbers);
  const uploads = changesOf(before.uploads, after.uploads, uploadNumbers);
  const ended = newOnes(before.ended, after.ended, ({ id, endedAt }) => `${id} ${endedAt}`);
  const jobs = newOnes(before.jobs, after.jobs, ({ id, type, sentAt }) => `${id} ${type} ${sentAt}`);
  const buffer = isSame(before.buffer, after.buffer) ? undefined : after.buffer;
  const update = {
    ...(sessions === undefined ? {} : { sessions }),
    ...(uploads === undefined ? {} : { uploads }),
    ...(ended.length === 0 ? {} : { ended }),
    ...(jobs.length === 0 ? {} : { jobs }),
    ...(buffer === undefined ? {} : { buffer }),
  };
  return Object.keys(update).length === 0 ? undefined : { now: after.now, ...update };
}

const sessionNumbers = ({ bytesIn, bytesOut }: SessionMessage): SessionNumbers => ({ bytesIn, bytesOut });

const uploadNumbers = ({ bytes, isFinishing, expectedBytes }: UploadMessage): UploadNumbers => ({
  bytes,
  isFinishing,
  expectedBytes,
});

function changesOf<T extends { readonly id: string }, Numbers extends object>(
  before: readonly T[],
  after: readonly T[],
  numbersOf: (each: T) => Numbers,
): Changes<T, Numbers> | undefined {
  const known = new Map(before.map((each) => [each.id, each]));
  const present = new Set(after.map(({ id }) => id));
  const added = after.filter(({ id }) => !known.has(id));
  const gone = before.filter(({ id }) => !present.has(id)).map(({ id }) => id);
  const changed = after.flatMap((each) => {
    const old = known.get(each.id);
    const numbers = numbersOf(each);
    return old === undefined || isSame(numbersOf(old), numbers) ? [] : [{ id: each.id, ...numbers }];
  });
  return added.length + gone.length + changed.length === 0 ? undefined : { added, changed, gone };
}

/** The list is newest first and grows at its front. */
function newOnes<T>(before: readonly T[], after: readonly T[], identify: (each: T) => string): readonly T[] {
  const known = new Set(before.map(identify));
  return after.filter((each) => !known.has(identify(each)));
}

function isSame(a: object, b: object): boolean {
  const others = new Map(Object.entries(b));
  return Object.entries(a).every(([name, value]) => others.get(name) === value);
}
