import { BELOW_RESERVED, type Block, join, RESERVED, SLASHES, UPS } from './blocks.ts';
import { plainNames } from './plain-names.ts';

/** One way to write a path, as the bytes of a request. */
export interface Spelling {
  /** What it tries, for people. */
  readonly about: string;
  readonly bytes: Buffer;
}

/** A link in the root of the folder that is attacked: each spelling that goes by one has one of its own, as operations remove them. */
export interface Link {
  readonly name: string;
  readonly target: string;
}

export interface Corpus {
  readonly spellings: readonly Spelling[];
  readonly links: readonly Link[];
}

/** Where the attacked tree lies on this machine. */
export interface Surroundings {
  /** The folder of all tenants, absolute; one that is not there where files are objects. */
  readonly root: string;
}

/** What lies outside, from one directory above. Taken in turn. */
const TARGETS = [
  'globex/secret.txt',
  'acme2/secret.txt',
  'tenants/globex/secret.txt',
  '.sluice/outbox/secret.txt',
  'outside/secret.txt',
  'secret.txt',
  'globex',
  'etc/passwd',
];

const POSITIONS: readonly (readonly [about: string, place: (step: Buffer, target: string) => Buffer])[] = [
  ['first', (step, target) => join(step, target)],
  ['at the root', (step, target) => join('/', step, target)],
  ['two behind a directory', (step, target) => join('/in/', step, step, target)],
  ['nine deep', (step, target) => join('/', ...Array<Buffer>(9).fill(step), target)],
  ['last', (step) => join('/in/', step)],
];

/** Each block in each position, and every one in every other's company at the root. */
function* climbs(): Generator<Spelling> {
  let turn = 0;
  const target = () => TARGETS[turn++ % TARGETS.length] as string;
  for (const [place, put] of POSITIONS) {
    for (const [about, up] of UPS) yield { about: `${about}, ${place}`, bytes: put(join(up, '/'), target()) };
    for (const [about, slash] of SLASHES) {
      yield { about: `two dots and ${about}, ${place}`, bytes: put(join('..', slash), target()) };
    }
  }
}

function* reserved(): Generator<Spelling> {
  for (const [about, name] of RESERVED) {
    for (const below of BELOW_RESERVED) {
      yield { about: `the service's own, ${about}${below}`, bytes: join('/', name, below) };
    }
  }
}

/** Longer than what a path may be, or as long, or that long on the way only. */
function* long(): Generator<Spelling> {
  const of = (about: string, text: string) => ({ about, bytes: Buffer.from(text) });
  for (const times of [10, 100, 1000, 20_000]) {
    yield of(`up ${times} times`, `${'../'.repeat(times)}globex/secret.txt`);
    yield of(`up ${times} times from the root`, `/${'../'.repeat(times)}etc/passwd`);
    yield of(`down and up ${times} times`, `/${'in/../'.repeat(times)}../globex/secret.txt`);
    yield of(`${times} slashes`, `${'/'.repeat(times)}../globex`);
    yield of(`${times} dots`, `${'./'.repeat(times)}../globex`);
    yield of(`a name of ${times} dots`, '.'.repeat(times));
    yield of(
      `down ${times} times, up once more`,
      `${'a/'.repeat(times)}${'../'.repeat(times + 1)}globex/secret.txt`,
    );
  }
  for (const bytes of [254, 255, 256, 1011, 1012, 4095, 4096, 4097, 65_536]) {
    yield of(`a name of ${bytes} bytes`, 'x'.repeat(bytes));
    yield of(`a path of ${bytes} bytes`, `${'/x'.repeat(bytes / 2)}`);
    yield of(`a long name that is left again, ${bytes}`, `/${'x'.repeat(bytes)}/../../globex/secret.txt`);
  }
  yield of('a name of 128 two-byte letters', '\u00fc'.repeat(128));
  yield of('ten thousand combining accents', `..${'\u0301'.repeat(10_000)}/globex`);
}

/** What links lead to, from the root of the attacked folder. */
function linkTargets({ root }: Surroundings): readonly Block[] {
  return [
    ['a file outside', `${root}/../outside/secret.txt`],
    ['a folder outside', `${root}/../outside`],
    ['the root of the machine', '/'],
    ['the folder of all', root],
    ['the folder of another', `${root}/tenants/globex`],
    ['another whose name begins the same', `${root}/tenants/acme2`],
    ['two above, by its place', '../..'],
    ['another, by its place', '../globex'],
    ['another, by a long way', 'in/.././../tenants/./globex'],
    ['what the service keeps', `${root}/.sluice`],
    ['what the service keeps, by its place', '../../.sluice'],
    ['the process', '/proc/self/cwd'],
    ['the root by the process', '/proc/self/root'],
    ['a device', '/dev/null'],
    ['nothing outside', `${root}/../outside/new.txt`],
    ['nothing of another', '../globex/new.txt'],
  ];
}
const BEHIND_LINKS = ['', '/', '/secret.txt', '/new.txt', '/../secret.txt', '/../globex/secret.txt'];

export function createCorpus(around: Surroundings): Corpus {
  const links: Link[] = [];
  const spellings = [...climbs(), ...reserved(), ...long()];
  for (const text of plainNames(around.root)) spellings.push({ about: 'as it is', bytes: Buffer.from(text) });
  for (const [about, target] of linkTargets(around)) {
    for (const behind of BEHIND_LINKS) {
      const name = `link-${links.length}`;
      links.push({ name, target: String(target) });
      spellings.push({ about: `a link to ${about}`, bytes: Buffer.from(name + behind) });
    }
  }
  const once = new Map(spellings.map((spelling) => [spelling.bytes.toString('hex'), spelling]));
  return { spellings: [...once.values()], links };
}
