import { once } from 'node:events';
import { posix } from 'node:path';
import type { RawSession, Ssh2Client } from '../clients/ssh2-client.ts';
import { Dice } from '../support/dice.ts';
import { close, mkdir, open, type Reply, stat, UPLOAD, write } from '../support/sftp-packets.ts';
import { CANARY, SECRET } from './fence.ts';
import { type Ask, CHANGING, KINDS, LOOKING, type Operation, type Own } from './operations.ts';
import type { Spelling } from './spellings.ts';

/** Sessions side by side: a connection has ten. */
const SESSIONS = 8;

/** Operations after which what a session had may be gone. */
const TAKING = /rename|remove|rmdir/;

export interface AttackOptions {
  readonly spellings: readonly Spelling[];
  /** With how many operations each spelling is tried, besides REALPATH; chosen by dice. 0.5 is one for every other spelling. */
  readonly operations: number;
  readonly seed: number;
  readonly username: string;
}

export interface AttackResult {
  readonly spellings: number;
  /** Pairs of a spelling and an operation. */
  readonly pairs: number;
  readonly requests: number;
  readonly violations: readonly string[];
}

/** Tries spellings with operations through one connection, and looks at every reply. */
export async function attack(client: Ssh2Client, options: AttackOptions): Promise<AttackResult> {
  const { spellings, operations, username } = options;
  const dice = new Dice(options.seed);
  const plans = spellings.map((spelling) => ({ spelling, chosen: choose(dice, operations) }));
  const queue = plans.values();
  const violations: string[] = [];
  let requests = 0;
  let pairs = 0;

  async function work(number: number): Promise<void> {
    const session = await client.raw();
    const ask = checkedAsk(session, () => {
      requests += 1;
    });
    const own = await settle(ask, number);
    for (const { spelling, chosen } of queue) {
      const run = async (operation: Operation) => {
        pairs += 1;
        const told: Reply[] = [];
        const asking: Ask = async (request) => {
          const reply = await ask(request);
          told.push(reply);
          return reply;
        };
        await operation.run(asking, spelling.bytes, own);
        const wrong = told.flatMap((reply) => faultsOf(reply, operation.name, spelling.bytes, username));
        const about = `${operation.name} of ${describe(spelling)}`;
        violations.push(...wrong.map((what) => `${about}: ${what}`));
      };
      await Promise.all(LOOKING.filter((each) => chosen.has(each)).map(run));
      const changes = CHANGING.filter((each) => chosen.has(each));
      for (const operation of changes) await run(operation);
      if (changes.some(({ name }) => TAKING.test(name))) await settle(ask, number);
      // Whatever it was, the session goes on.
      const root = await ask((id) => stat(id, '/'));
      if (root.kind !== 'attrs')
        violations.push(`after ${describe(spelling)}: the root is ${JSON.stringify(root)}`);
    }
  }

  await Promise.all(Array.from({ length: SESSIONS }, (_, number) => work(number)));
  return { spellings: spellings.length, pairs, requests, violations };
}

/** The first of those that look, and so many others. */
function choose(dice: Dice, count: number): ReadonlySet<Operation> {
  const chosen = new Set(LOOKING.slice(0, 1));
  const kinds = KINDS.map((kind) => kind.filter((each) => !chosen.has(each)));
  const whole = Math.floor(count) + (dice.chance(count % 1) ? 1 : 0);
  for (let left = whole; left > 0; left--) {
    const rest = kinds.filter((kind) => kind.length > 0);
    if (rest.length === 0) break;
    const kind = dice.pick(rest);
    for (const each of kind.splice(dice.between(0, kind.length - 1), 1)) chosen.add(each);
  }
  return chosen;
}

/** Rejects when the channel is closed: no spelling is a reason for that. */
function checkedAsk(session: RawSession, count: () => void): Ask {
  const gone = once(session.channel, 'close').then(() => {
    throw new Error('the session was ended');
  });
  gone.catch(() => undefined);
  let next = 0;
  return async (request) => {
    count();
    const id = next++;
    const reply = await Promise.race([session.send(request(id)), gone]);
    if (!('id' in reply) || reply.id !== id)
      throw new Error(`not the answer to ${id}: ${JSON.stringify(reply)}`);
    return reply;
  };
}

/** A directory of the session's own, one that all of them have, and a file. */
async function settle(ask: Ask, number: number): Promise<Own> {
  const own = { file: `/own-${number}/file`, free: `/own-${number}/free` };
  await ask((id) => mkdir(id, '/in'));
  await ask((id) => mkdir(id, `/own-${number}`));
  const opened = await ask((id) => open(id, own.file, UPLOAD));
  if (opened.kind !== 'handle') throw new Error(`no file of its own: ${JSON.stringify(opened)}`);
  await ask((id) => write(id, opened.handle, 0, 'own'));
  await ask((id) => close(id, opened.handle));
  return own;
}

/** What no reply may have in it. */
function faultsOf(reply: Reply, operation: string, path: Buffer, username: string): string[] {
  const faults: string[] = [];
  if (reply.kind === 'data' && reply.bytes.includes(CANARY)) faults.push('it reads what is outside');
  const seen = reply.kind === 'attrs' ? [reply] : reply.kind === 'name' ? reply.entries : [];
  if (seen.some(({ attributes }) => attributes?.size === SECRET.length))
    faults.push('it sees a file that is outside');
  const expected = NAMING[operation]?.(path, username);
  if (expected !== undefined) {
    const told =
      reply.kind === 'name'
        ? reply.entries.map(({ filename }) => filename).join()
        : `STATUS ${'code' in reply ? reply.code : reply.kind}`;
    if (told !== expected)
      faults.push(`${JSON.stringify(told.slice(0, 200))} and not ${JSON.stringify(expected.slice(0, 200))}`);
  }
  return faults;
}

const NO_SUCH_FILE = 'STATUS 2';
const FAILURE = 'STATUS 4';
const BAD_MESSAGE = 'STATUS 5';

/** What is answered to those that only tell a path. Nothing of it is the server's own code. */
const NAMING: Readonly<Record<string, (path: Buffer, username: string) => string>> = {
  realpath: (path) => {
    const text = toText(path);
    return text === undefined ? BAD_MESSAGE : toPlace(text);
  },
  'expand-path': (path, username) => {
    const text = toText(path);
    if (text === undefined) return BAD_MESSAGE;
    if (!text.startsWith('~')) return toPlace(text);
    const [whose = '', ...rest] = text.slice(1).split('/');
    return whose === '' || whose === username ? toPlace(rest.join('/')) : NO_SUCH_FILE;
  },
  'home-directory': (path, username) => {
    const text = toText(path);
    if (text === undefined) return BAD_MESSAGE;
    return text === '' || text === username ? '/' : NO_SUCH_FILE;
  },
};

function toText(path: Buffer): string | undefined {
  const text = path.toString('utf8');
  return Buffer.from(text, 'utf8').equals(path) ? text : undefined;
}

/** As POSIX has it, and as long as it may be. */
function toPlace(text: string): string {
  if (text.includes('\0')) return FAILURE;
  if (text.split('/').some((name) => Buffer.byteLength(name) > 255)) return FAILURE;
  const place = posix.resolve('/', `./${text}`);
  return Buffer.byteLength(place) > 4096 ? FAILURE : place;
}

function describe({ about, bytes }: Spelling): string {
  return `${JSON.stringify(bytes.toString('latin1').slice(0, 120))} (${about})`;
}
