import { createTestContext } from '../../src/testing/index.ts';
import { Dice } from '../support/dice.ts';
import { SftpDriver } from '../support/sftp-driver.ts';
import * as sftp from '../support/sftp-packets.ts';

const { str, u32, u64, packet } = sftp;

/** Requests of one session, at most. */
const MOST_REQUESTS = 60;

/** What a session answers a request that it cannot make out (draft-ietf-secsh-filexfer-02, section 7). */
const BAD_MESSAGE = 5;

const NAMES = ['a', 'b', 'dir', '..', '.', '', 'ü', 'x'.repeat(300), '\u0000', '.keep', '.sluice'];
const EXTENSIONS = ['posix-rename@openssh.com', 'fsync@openssh.com', 'limits@openssh.com', 'copy-data', 'x'];
const TYPES = [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 200];

/** Numbers at the edges of what their fields can hold, and of what a file can be. */
const NUMBERS = [0, 1, 2, 255, 32_768, 261_120, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const OFFSETS = [0n, 1n, 4095n, 65_536n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

/** There are such at the beginning of each session. */
const FILES = ['/a', '/dir/b'];
const CONTENT = Buffer.alloc(5000, 'content');
const caller = createTestContext();

export interface FuzzOptions {
  /** Requests in all. */
  readonly requests: number;
  readonly seed: number;
  /** Told now and then how many are done. */
  readonly say?: (done: number) => void;
}

export interface FuzzResult {
  readonly requests: number;
  readonly sessions: number;
  /** By kind of reply: how often. */
  readonly replies: ReadonlyMap<string, number>;
  /** Sessions that the server ended because of what came. */
  readonly abandoned: number;
  /** What should never be, each with the seed of its session. */
  readonly violations: readonly string[];
}

/**
 * Sends sessions of requests that are right, wrong, or cut and joined anywhere, and holds each session to what it owes
 * its client: an answer for each request in its order, or an end, and never a fault of the program.
 */
export async function fuzzSessions({ requests, seed, say }: FuzzOptions): Promise<FuzzResult> {
  const dice = new Dice(seed);
  const replies = new Map<string, number>();
  const violations: string[] = [];
  let done = 0;
  let sessions = 0;
  let abandoned = 0;
  while (done < requests) {
    const own = dice.between(0, 2 ** 31 - 1);
    const session = await playSession(new Dice(own));
    sessions += 1;
    done += session.requests;
    if (session.wasAbandoned) abandoned += 1;
    for (const kind of session.replies) replies.set(kind, (replies.get(kind) ?? 0) + 1);
    violations.push(...session.violations.map((what) => `session of seed ${own}: ${what}`));
    if (sessions % 1000 === 0) say?.(done);
  }
  return { requests: done, sessions, replies, abandoned, violations };
}

async function playSession(dice: Dice) {
  const driver = new SftpDriver();
  await driver.backend.makeDir(caller, '/dir');
  for (const path of FILES) await driver.backend.writeFile(caller, path, CONTENT);
  const sent = Array.from({ length: dice.between(1, MOST_REQUESTS) }, () => requestOf(dice));
  const stream = spoil(dice, Buffer.concat([sftp.init(), ...sent]));
  for (const chunk of cut(dice, stream)) await driver.session.receive(chunk);
  await driver.session.endOfInput();

  const violations = driver.faults.map(({ error, request }) => `a fault in ${request}: ${String(error)}`);
  if (driver.closed.length > 1) violations.push(`closed ${driver.closed.length} times`);
  const asked = idsOf(stream);
  for (const [index, id] of driver.ids.entries()) {
    if (asked[index] !== id) violations.push(`reply ${index} is for ${id} and not ${asked[index]}`);
  }
  if (driver.closed.length === 0 && driver.ids.length !== asked.length) {
    violations.push(`${asked.length} requests, ${driver.ids.length} replies`);
  }
  const uploads = driver.session.uploads;
  if (uploads > 0) violations.push(`${uploads} uploads are left open`);
  const kinds = driver.replies.map((reply) =>
    reply.kind === 'status' && reply.code === BAD_MESSAGE ? 'bad message' : reply.kind,
  );
  return { requests: sent.length, replies: kinds, wasAbandoned: driver.closed.length > 0, violations };
}

/** The ids of the requests behind INIT, as far as the stream can be cut into packets. A further INIT is a request as any other. */
function idsOf(stream: Buffer): number[] {
  const ids: number[] = [];
  let rest = stream.length < 4 ? stream : stream.subarray(4 + stream.readUInt32BE(0));
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
    const length = rest.readUInt32BE(0);
    if (length >= 5) ids.push(rest.readUInt32BE(5));
    rest = rest.subarray(4 + length);
  }
  return ids;
}

/** Mostly a request that is right in its form; often of paths and handles that exist. */
function requestOf(dice: Dice): Buffer {
  const id = dice.between(0, 2 ** 32 - 1);
  if (dice.chance(0.05)) return packet(dice.between(0, 255), u32(id), dice.bytes(dice.between(0, 40)));
  const handle = dice.chance(0.9) ? Buffer.from(`${dice.between(0, 3)}`) : dice.bytes(dice.between(0, 300));
  const [path, other] = [pathOf(dice), pathOf(dice)];
  const attributes = attributesOf(dice);
  switch (dice.pick(TYPES)) {
    case 1:
      return sftp.init(dice.pick(NUMBERS));
    case 3:
      return packet(
        3,
        u32(id),
        str(path),
        u32(dice.chance(0.4) ? sftp.Flag.READ : dice.between(0, 63)),
        attributes,
      );
    case 4:
      return packet(4, u32(id), str(handle));
    case 5:
      return packet(5, u32(id), str(handle), offsetOf(dice), u32(dice.pick(NUMBERS)));
    case 6:
      return packet(6, u32(id), str(handle), offsetOf(dice), str(dice.bytes(dice.between(0, 2000))));
    case 8:
      return packet(8, u32(id), str(handle));
    case 9:
      return packet(9, u32(id), str(path), attributes);
    case 10:
      return packet(10, u32(id), str(handle), attributes);
    case 12:
      return packet(12, u32(id), str(handle));
    case 14:
      return packet(14, u32(id), str(path), attributes);
    case 18:
      return packet(18, u32(id), str(path), str(other));
    case 20:
      return packet(20, u32(id), str(path), str(other));
    case 200:
      return packet(200, u32(id), str(dice.pick(EXTENSIONS)), str(path), str(other), offsetOf(dice));
    default:
      return packet(dice.pick([7, 11, 13, 15, 16, 17, 19]), u32(id), str(path));
  }
}

function pathOf(dice: Dice): string {
  if (dice.chance(0.4)) return dice.pick(FILES);
  const names = Array.from({ length: dice.between(0, 4) }, () => dice.pick(NAMES));
  return `${dice.chance(0.8) ? '/' : ''}${names.join('/')}`;
}

function offsetOf(dice: Dice): Buffer {
  return u64(dice.pick(OFFSETS));
}

/** Sizes stay where a file in memory can be so large, or where none can. */
function attributesOf(dice: Dice): Buffer {
  if (dice.chance(0.5)) return sftp.NO_ATTRIBUTES;
  if (dice.chance(0.3)) return Buffer.concat([u32(dice.pick(NUMBERS)), dice.bytes(dice.between(0, 30))]);
  return Buffer.concat([u32(1), u64(dice.pick([0n, 5n, 70_000n, 2n ** 53n, 2n ** 64n - 1n]))]);
}

/** Sometimes with some bytes that are others. */
function spoil(dice: Dice, stream: Buffer): Buffer {
  if (!dice.chance(0.3)) return stream;
  for (let count = dice.between(1, 4); count > 0; count--) {
    stream[dice.between(0, stream.length - 1)] = dice.between(0, 255);
  }
  return dice.chance(0.5) ? stream : stream.subarray(0, dice.between(0, stream.length));
}

function* cut(dice: Dice, stream: Buffer): Generator<Buffer> {
  for (let at = 0; at < stream.length; ) {
    const end = Math.min(stream.length, at + dice.pick([1, 3, 9, 100, 4096, 65_536]));
    yield stream.subarray(at, end);
    at = end;
  }
}
