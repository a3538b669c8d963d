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

type Block = readonly [about: string, text: string | Buffer];

const raw = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const join = (...parts: readonly (string | Buffer)[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part)));

/** What somebody may take for `..`. */
const UPS: readonly Block[] = [
  ['two dots', '..'],
  ['one dot', '.'],
  ['three dots', '...'],
  ['four dots', '....'],
  ['a space behind', '.. '],
  ['a space before', ' ..'],
  ['spaces between', '. .'],
  ['a tab behind', '..\t'],
  ['a dot and a space behind', '... '],
  ['a semicolon behind', '..;'],
  ['percent', '%2e%2e'],
  ['percent in capitals', '%2E%2E'],
  ['one percent', '.%2e'],
  ['the other percent', '%2e.'],
  ['percent twice', '%252e%252e'],
  ['percent three times', '%25252e%25252e'],
  ['percent with a slash', '..%2f..'],
  ['percent with a backslash', '..%5c..'],
  ['percent of UTF-16', '%u002e%u002e'],
  ['percent of overlong UTF-8', '%c0%ae%c0%ae'],
  ['percent with NUL', '..%00'],
  ['percent with a line break', '..%0d%0a'],
  ['C escapes', '\\x2e\\x2e'],
  ['octal escapes', '\\056\\056'],
  ['HTML', '&#46;&#46;'],
  ['UTF-7', '+AC4-+AC4-'],
  ['quotes', '"..'.concat('"')],
  ['single quotes', "'..'"],
  ['a fullwidth stop', '\uff0e\uff0e'],
  ['a one dot leader', '\u2024\u2024'],
  ['a two dot leader', '\u2025'],
  ['an ellipsis', '\u2026'],
  ['a small full stop', '\ufe52\ufe52'],
  ['an ideographic stop', '\u3002\u3002'],
  ['a halfwidth stop', '\uff61\uff61'],
  ['a middle dot', '\u00b7\u00b7'],
  ['one fullwidth', '.\uff0e'],
  ['a zero width space between', '.\u200b.'],
  ['a zero width joiner behind', '..\u200d'],
  ['a soft hyphen between', '.\u00ad.'],
  ['a combining dot between', '.\u0307.'],
  ['a combining accent behind', '..\u0301'],
  ['a variation selector', '.\ufe0f.\ufe0f'],
  ['a byte order mark before', '\ufeff..'],
  ['a right-to-left mark before', '\u200f..'],
  ['a right-to-left override before', '\u202e..'],
  ['an isolate around', '\u2066..\u2069'],
  ['a tag behind', '..\u{e002e}'],
  ['a CR behind', '..\r'],
  ['a LF behind', '..\n'],
  ['CR LF between', '.\r\n.'],
  ['a backspace', '.a\b.'],
  ['DEL between', '.\x7f.'],
  ['an escape', '\x1b[D..'],
  ['a unit separator', '..\x1f'],
  ['a stream', '..::$INDEX_ALLOCATION'],
  ['NUL behind', '..\0'],
  ['NUL between', '.\0.'],
  ['NUL and an ending behind', '..\0.txt'],
  ['two bytes overlong', raw('c0ae c0ae')],
  ['three bytes overlong', raw('e080ae e080ae')],
  ['four bytes overlong', raw('f08080ae f08080ae')],
  ['five bytes overlong', raw('f8808080ae f8808080ae')],
  ['six bytes overlong', raw('fc80808080ae fc80808080ae')],
  ['overlong without its mark', raw('c02e c02e')],
  ['NUL overlong', raw('2e2e c080')],
  ['a lone continuation', raw('2e2e 80')],
  ['a lead without its rest', raw('2e2e c3')],
  ['0xff', raw('2e2e ff')],
  ['half a surrogate pair', raw('2e2e eda080')],
  ['UTF-16', raw('2e00 2e00')],
  ['Latin-1', raw('2e2e e4')],
];

/** What somebody may take for `/`. */
const SLASHES: readonly Block[] = [
  ['two slashes', '//'],
  ['many slashes', '/'.repeat(300)],
  ['a dot between slashes', '/./'],
  ['dots between slashes', '/././/./'],
  ['a backslash', '\\'],
  ['two backslashes', '\\\\'],
  ['a slash and a backslash', '/\\'],
  ['a backslash and a slash', '\\/'],
  ['percent', '%2f'],
  ['percent in capitals', '%2F'],
  ['percent twice', '%252f'],
  ['a percent backslash', '%5c'],
  ['percent overlong', '%c0%af'],
  ['a division slash', '\u2215'],
  ['a fraction slash', '\u2044'],
  ['a fullwidth slash', '\uff0f'],
  ['a big solidus', '\u29f8'],
  ['a fullwidth backslash', '\uff3c'],
  ['a set minus', '\u2216'],
  ['a yen sign', '\u00a5'],
  ['a colon', ':'],
  ['a LF', '\n'],
  ['a space before the slash', ' /'],
  ['a combining stroke behind', '/\u0338'],
  ['two bytes overlong', raw('c0af')],
  ['three bytes overlong', raw('e080af')],
  ['an overlong backslash', raw('c19c')],
  ['NUL before', '\0/'],
  ['NUL behind', '/\0'],
  ['UTF-16', raw('2f00')],
];

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

const RESERVED: readonly Block[] = [
  ['itself', '.sluice'],
  ['capitals', '.SLUICE'],
  ['a capital', '.Sluice'],
  ['a long s', '.\u017fluice'],
  ['a dotted capital', '.SLU\u0130CE'],
  ['fullwidth', '\uff0esluice'],
  ['a zero width space', '.slu\u200bice'],
  ['a soft hyphen', '.slu\u00adice'],
  ['a combining accent', '.slui\u0301ce'],
  ['percent', '%2esluice'],
  ['a dot behind', '.sluice.'],
  ['a space behind', '.sluice '],
  ['NUL behind', '.sluice\0'],
  ['a stream', '.sluice::$DATA'],
  ['a short name', 'SLUICE~1'],
  ['a right-to-left mark', '\u200f.sluice'],
  ['overlong', join(raw('c0ae'), 'sluice')],
  ['a dot before', './.sluice'],
  ['slashes before', '//.sluice'],
  ['a way back', 'in/../.sluice'],
  ['a way above', '../../.sluice'],
  ['backslashes', '.\\.sluice'],
];
const BELOW_RESERVED = [
  '',
  '/',
  '/.',
  '/outbox/secret.txt',
  '//outbox/./secret.txt',
  '/uploads/x',
  '/staging/x',
];

function* reserved(): Generator<Spelling> {
  for (const [about, name] of RESERVED) {
    for (const below of BELOW_RESERVED) {
      yield { about: `the service's own, ${about}${below}`, bytes: join('/', name, below) };
    }
  }
}

/** Names that mean something to somebody: a shell, a system, a URL, S3, this service. */
function plain({ root }: Surroundings): readonly string[] {
  return [
    ...[
      '',
      '.',
      '..',
      '/',
      '//',
      '/.',
      '/..',
      '/../',
      './',
      '../',
      './..',
      './/',
      '/../..',
      '/..//..',
      '/./../.',
    ],
    ...[
      'a/../../b',
      '/a/../../b',
      '/a/b/../../../c',
      'a/..',
      'a/../',
      '/in/..',
      '/in/../',
      '/in/./.',
      '/in/../..',
    ],
    ...[
      root,
      `${root}/`,
      `/${root}`,
      `${root}/tenants`,
      `${root}/tenants/globex/secret.txt`,
      `${root}/../outside/secret.txt`,
    ],
    ...[
      `/..${root}/secret.txt`,
      `/../../../../../../../..${root}/../outside/secret.txt`,
      `file://${root}/secret.txt`,
    ],
    ...[
      '/etc/passwd',
      '//etc/passwd',
      '/proc/self/root/etc/passwd',
      '/proc/self/cwd',
      '/proc/self/environ',
      '/proc/1/root',
    ],
    ...[
      '/proc/self/fd/0',
      '/proc/self/fd/3/secret.txt',
      '/proc/thread-self/root',
      '/dev/fd/3',
      '/dev/stdin',
      '/dev/null',
    ],
    ...[
      '~',
      '~/',
      '~/..',
      '~/../globex',
      '~root',
      '~root/.ssh/authorized_keys',
      '~acme',
      '~acme/../../globex/secret.txt',
    ],
    ...[
      '~globex',
      '~globex/secret.txt',
      '~+',
      '~-',
      '~\0',
      '~/~',
      '~.',
      '~..',
      '~../globex',
      '~%72oot',
      '~acme\0',
      '~ACME',
    ],
    ...[
      '$HOME',
      `${'$'}{HOME}/x`,
      '`id`',
      '$(id)',
      '%HOMEPATH%',
      '|id',
      ';id',
      '&& id',
      '*',
      '?',
      '[a-z]*',
      '{a,b}',
      '!x',
      '-rf',
    ],
    ...[
      'C:',
      'C:\\',
      'C:/x',
      'c:..\\..\\x',
      'C:secret.txt',
      '/C:/Windows',
      '\\\\server\\share',
      '//server/share',
      '\\\\?\\C:\\x',
    ],
    ...[
      '\\\\.\\pipe\\x',
      '\\??\\C:\\x',
      'CON',
      'NUL',
      'aux.txt',
      'COM1:',
      'x::$DATA',
      'x.',
      'x ',
      'x. . ',
      ' x',
      '.x.',
    ],
    ...[
      'file:///etc/passwd',
      'file:..',
      'file:../globex',
      's3://uploads/tenants/globex/secret.txt',
      'http://127.0.0.1/latest/meta-data',
    ],
    ...[
      'arn:aws:s3:::uploads/tenants/globex/secret.txt',
      '/uploads/tenants/globex/secret.txt',
      'uploads/.sluice/outbox/secret.txt',
    ],
    ...[
      '/tenants/globex/',
      '/tenants/globex/secret.txt',
      'tenants/globex',
      '/tenants/acme/../globex/secret.txt',
      'tenants/acme2/',
    ],
    ...[
      'globex/secret.txt',
      '../globex',
      '../globex/',
      '../globex/secret.txt',
      '../globex/../globex/secret.txt',
      '/globex/../../globex',
    ],
    ...[
      '2',
      '2/secret.txt',
      '2/',
      '/2',
      '../acme2',
      '../acme2/secret.txt',
      '../acme/../acme2/secret.txt',
      '/../acme2/',
      '\b2/secret.txt',
    ],
    ...[
      '../acme',
      '../acme/',
      '../acme/in',
      '../../tenants/acme/in',
      '..acme',
      '..2/secret.txt',
      '.2',
      '/.2/secret.txt',
    ],
    ...[
      '.keep',
      '/.keep',
      '/in/.keep',
      '/in/.keep/',
      '/.keep/x',
      '/.keep/../..',
      '.keep.',
      '.KEEP',
      'x.keep',
      '../.keep',
      '../globex/.keep',
    ],
    ...[
      '?uploads',
      '?versionId=1',
      'x?list-type=2&prefix=tenants/globex/',
      '?prefix=',
      '#',
      'x#y',
      'x?y',
      '&prefix=tenants/globex/',
      '?acl',
    ],
    ...[
      'x%3flist-type=2',
      '%00',
      '%',
      '%%',
      '%zz',
      '%2',
      '+',
      'a+b',
      'a b',
      'a%20b',
      '=',
      '@',
      ',',
      ';',
      ':',
      'x;versionId=1',
    ],
    ...[
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      '</Key><Key>tenants/globex/secret.txt',
      ']]>',
      '&lt;',
      '&#x2e;&#x2e;/',
    ],
    ...[
      'a\r\nx-amz-copy-source: uploads/tenants/globex/secret.txt',
      'a\r\n\r\nGET / HTTP/1.1',
      '\r',
      '\n',
      'x\ny',
      '\t',
      '\x01',
      '\x7f',
    ],
    ...[
      '\u0085',
      '\u2028',
      '\ufffe',
      '\uffff',
      '\ufffd',
      '\u{1f4a9}',
      'e\u0301',
      '\u00e9',
      '\u212b',
      'ﬀ',
      '\u202egpj.exe',
      '\u0000',
    ],
    ...[
      '__proto__',
      '__proto__/x',
      'constructor',
      'constructor/prototype',
      'toString',
      'hasOwnProperty',
      'null',
      'undefined',
      'NaN',
    ],
    ...[
      'x.filepart',
      '../x.filepart',
      '.in.x',
      'x.partial',
      '.x.abcdef',
      '.filepart',
      'globex/../../x.tmp',
      'x.done',
      'x.sha256',
    ],
  ];
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
  for (const text of plain(around)) spellings.push({ about: 'as it is', bytes: Buffer.from(text) });
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
