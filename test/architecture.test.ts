import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

interface Import {
  /** A file of src, as `sftp/session.ts`. */
  readonly from: string;
  /** A file of src likewise, or the name of a package, or `node:...`. */
  readonly to: string;
  /** Only types come of it, so nothing of it is there at run time. */
  readonly typeOnly: boolean;
}

/** Code without comments; strings that hold `//` (URLs) stay whole. */
function withoutComments(code: string): string {
  return code.replace(
    /('(?:\\.|[^'\\\n])*')|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, text: string | undefined) => text ?? '',
  );
}

const STATEMENT = /\b(?:import|export)\s+(type\s)?([^'";]*?)\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g;

/** What a file imports and exports again, statically or not. */
function importsOf(file: string, code: string): Import[] {
  return [...withoutComments(code).matchAll(STATEMENT)].map(([, type, names = '', target, bare]) => ({
    from: file,
    to: resolve(file, target ?? bare ?? ''),
    typeOnly: type !== undefined || /^\{(\s*type\s[^,}]+,?)+\s*\}\s*$/.test(names),
  }));
}

function resolve(from: string, target: string): string {
  if (target.startsWith('.')) return normalize(join(dirname(from), target));
  if (target.startsWith('node:')) return target;
  const [scope = '', name] = target.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort();
const CODE = new Map(FILES.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]));
const IMPORTS = [...CODE].flatMap(([file, code]) => importsOf(file, code));

const isLocal = ({ to }: Import) => CODE.has(to);
const isBuiltIn = ({ to }: Import) => to.startsWith('node:');

/** `sftp` for `sftp/wire/fields.ts`, `backends/s3` below the backends, the file itself at the top. */
function roomOf(file: string): string {
  const [first = '', second = '', third] = file.split('/');
  if (first === 'backends' && third !== undefined) return `${first}/${second}`;
  return first === 'backends' ? file : first;
}

/** A pattern stands for a file, a room or everything below a folder. */
const matches = (file: string, pattern: string) => file === pattern || file.startsWith(`${pattern}/`);

/**
 * What each room may import of others besides `contract`: rooms, or single files of them. HOUSE.md, section 2, and
 * what came to it: the layers use spans and the buffers of files, a backend reads its part of the configuration.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  config: [],
  console: [],
  addresses: [],
  aws: [],
  auth: ['addresses', 'config/values.ts', 'keys', 'modules', 'secrets/find-secret.ts'],
  buffers: [],
  limits: [],
  telemetry: [],
  testing: ['layers/with-buffering.ts'],
  keys: ['addresses'],
  sftp: [],
  ssh: ['addresses', 'keys', 'sftp/session.ts'],
  jobs: ['aws', 'config/load.ts', 'telemetry/aws-calls.ts'],
  layers: [
    'telemetry/context-scope.ts',
    'telemetry/first-bytes.ts',
    'telemetry/instruments.ts',
    'telemetry/meter.ts',
    'telemetry/spans.ts',
    'telemetry/trace-context.ts',
    'buffers/file-image.ts',
  ],
  'backends/folder': ['config/load.ts'],
  'backends/memory': ['buffers/file-image.ts'],
  'backends/s3': ['aws', 'buffers', 'config/load.ts', 'telemetry/aws-calls.ts'],
  'backends/custom': ['modules'],
  modules: [],
  'backends/process': ['config/load.ts'],
  'backends/create.ts': ['backends', 'config/load.ts'],
  'health.ts': ['ssh/take-proxy-header.ts'],
  'task-protection.ts': [],
  secrets: ['config/load.ts'],
  'materials.ts': ['auth', 'config/load.ts', 'secrets', 'ssh'],
  'app.ts': [
    'addresses/subnets.ts',
    'auth/with-limits.ts',
    'backends/create.ts',
    'buffers',
    'config/load.ts',
    'jobs/create.ts',
    'jobs/created-jobs.ts',
    'layers',
    'limits/users-inside.ts',
    'sftp/session.ts',
    'ssh',
    'telemetry',
  ],
  'configured-app.ts': ['app.ts', 'backends/create.ts', 'config/load.ts', 'jobs/create.ts', 'materials.ts'],
  cli: [
    'app.ts',
    'auth',
    'config/load.ts',
    'configured-app.ts',
    'console',
    'health.ts',
    'jobs/event.ts',
    'keys',
    'materials.ts',
    'secrets',
    'ssh',
    'task-protection.ts',
    'telemetry',
  ],
  server: [
    'app.ts',
    'auth',
    'backends',
    'config/load.ts',
    'config/values.ts',
    'jobs/create-handler-jobs.ts',
    'jobs/create.ts',
    'jobs/event.ts',
    'ssh/host-keys.ts',
    'telemetry/global-telemetry.ts',
  ],
  'main.ts': ['cli'],
  'index.ts': ['keys', 'backends/custom/check.ts', 'backends/folder/backend.ts', 'jobs/event.ts', 'server'],
};

/** Imports that are allowed for their types alone: the rooms know the shape, not the code. */
const TYPES_ONLY: readonly (readonly [from: string, to: string])[] = [
  ['ssh', 'sftp/session.ts'],
  ['jobs', 'config/load.ts'],
  ['backends', 'config/load.ts'],
  ['secrets', 'config/load.ts'],
  ['auth', 'secrets/find-secret.ts'],
  ['materials.ts', 'config/load.ts'],
  ['app.ts', 'config/load.ts'],
  ['app.ts', 'backends/create.ts'],
  ['app.ts', 'jobs'],
  ['server', 'config/load.ts'],
  ['configured-app.ts', 'config/load.ts'],
  ['configured-app.ts', 'materials.ts'],
  ['console/page', 'console/messages.ts'],
  ['console/page', 'contract'],
  ['jobs', 'telemetry/aws-calls.ts'],
  ['backends', 'telemetry/aws-calls.ts'],
];

/**
 * Where each library may be imported; with `types`, where its types may. `cli/dev` plays the bucket, the queue and
 * their consumer, so it speaks to both.
 */
const HOMES: Readonly<
  Record<string, { readonly code: readonly string[]; readonly types?: readonly string[] }>
> = {
  ssh2: { code: ['ssh'] },
  '@aws-sdk/client-s3': { code: ['backends/s3', 'cli/dev'] },
  '@aws-sdk/client-sqs': { code: ['jobs', 'cli/dev'] },
  '@aws-sdk/client-secrets-manager': { code: ['secrets'] },
  '@aws-sdk/client-sts': { code: ['backends/s3'] },
  '@noble/post-quantum': { code: ['ssh/mlkem768x25519.ts'] },
  '@aws-sdk/credential-provider-node': { code: ['auth/sign-question.ts'] },
  '@smithy/core': { code: ['auth/sign-question.ts', 'aws', 'backends/s3/express.ts'] },
  '@smithy/signature-v4': { code: ['auth/sign-question.ts', 'aws'] },
  '@node-rs/argon2': { code: ['auth/passwords.ts'] },
  '@node-rs/bcrypt': { code: ['auth/passwords.ts'] },
  '@node-rs/crc32': { code: ['backends/s3/checksum.ts'] },
  '@opentelemetry/api': { code: ['layers', 'telemetry', 'cli/dev'], types: ['app.ts', 'server'] },
  '@opentelemetry/sdk-trace': { code: ['telemetry'] },
  '@opentelemetry/sdk-trace-node': { code: ['telemetry'], types: ['cli/dev'] },
  '@opentelemetry/core': { code: ['telemetry'] },
  '@opentelemetry/resources': { code: ['telemetry'] },
  '@opentelemetry/sdk-metrics': { code: ['telemetry'] },
  '@opentelemetry/exporter-metrics-otlp-grpc': { code: ['telemetry'] },
  '@opentelemetry/exporter-metrics-otlp-http': { code: ['telemetry'] },
  '@opentelemetry/exporter-metrics-otlp-proto': { code: ['telemetry'] },
  '@opentelemetry/exporter-prometheus': { code: ['telemetry'] },
  '@opentelemetry/exporter-trace-otlp-grpc': { code: ['telemetry'] },
  '@opentelemetry/exporter-trace-otlp-http': { code: ['telemetry'] },
  '@opentelemetry/exporter-trace-otlp-proto': { code: ['telemetry'] },
  pino: { code: ['telemetry'] },
  zod: { code: ['auth', 'backends/process', 'config', 'jobs', 'server'] },
  commander: { code: ['main.ts'] },
  fauxqs: { code: ['cli/dev'] },
};

const show = ({ from, to, typeOnly }: Import) => `${from} imports ${typeOnly ? 'types of ' : ''}${to}`;

function breaksDependencyRule({ from, to }: Import): boolean {
  const room = roomOf(from);
  if (roomOf(to) === room || roomOf(to) === 'contract') return false;
  return !(MAY_IMPORT[room] ?? []).some((pattern) => matches(to, pattern));
}

function breaksTypesOnly({ from, to, typeOnly }: Import): boolean {
  return !typeOnly && TYPES_ONLY.some(([room, target]) => matches(from, room) && matches(to, target));
}

function breaksHome({ from, to, typeOnly }: Import): boolean {
  const home = HOMES[to];
  if (home === undefined) return true;
  if (home.code.some((pattern) => matches(from, pattern))) return false;
  return !(typeOnly && (home.types ?? []).some((pattern) => matches(from, pattern)));
}

/** A cycle of imports, as the files in it, or undefined when there is none. */
function findCycle(imports: readonly Import[]): string[] | undefined {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of targets.get(file) ?? []) {
      const cycle = visit(target, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of targets.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('the rooms of src', () => {
  test('every room is in the table', () => {
    expect([...new Set(FILES.map(roomOf))].filter((room) => MAY_IMPORT[room] === undefined)).toEqual([]);
  });

  test('import only what the table allows', () => {
    expect(IMPORTS.filter(isLocal).filter(breaksDependencyRule).map(show)).toEqual([]);
  });

  test('use everything that the table allows: it says no more than is so', () => {
    const local = IMPORTS.filter(isLocal).filter(({ from, to }) => roomOf(from) !== roomOf(to));
    const unused = Object.entries(MAY_IMPORT).flatMap(([room, patterns]) =>
      patterns
        .filter((pattern) => !local.some(({ from, to }) => roomOf(from) === room && matches(to, pattern)))
        .map((pattern) => `${room} may import ${pattern}`),
    );
    expect(unused).toEqual([]);
  });

  test('import no more than types where only the shape is theirs to know', () => {
    expect(IMPORTS.filter(isLocal).filter(breaksTypesOnly).map(show)).toEqual([]);
  });

  test('never import in a circle, not even types', () => {
    expect(findCycle(IMPORTS.filter(isLocal))).toBeUndefined();
  });

  test('a relative import leads to a file of src, with its ending', () => {
    const outside = IMPORTS.filter(({ to }) => /^\.\.?(\/|$)/.test(to) || /\.(ts|js)$/.test(to));
    expect(outside.filter((entry) => !isLocal(entry)).map(show)).toEqual([]);
  });

  test('the contract knows no library, and of node its types alone', () => {
    const foreign = IMPORTS.filter(({ from }) => roomOf(from) === 'contract').filter(
      (entry) => !isLocal(entry),
    );
    expect(foreign.filter(({ typeOnly, to }) => !typeOnly || !to.startsWith('node:')).map(show)).toEqual([]);
  });

  test('the wire formats do no I/O', () => {
    const wire = IMPORTS.filter(({ from }) => from.startsWith('sftp/wire/')).filter(
      (entry) => !isLocal(entry),
    );
    expect(wire.map(show)).toEqual([]);
  });

  test('the page knows of the server nothing but types', () => {
    const page = IMPORTS.filter(
      ({ from, to }) => matches(from, 'console/page') && !matches(to, 'console/page'),
    );
    expect(page.length).toBeGreaterThan(0);
    expect(page.filter(({ typeOnly }) => !typeOnly).map(show)).toEqual([]);
  });

  test('no file is a default export, and none is called utils', () => {
    expect([...CODE].filter(([, code]) => /^export default\b/m.test(code)).map(([file]) => file)).toEqual([]);
    expect(FILES.filter((file) => /(^|\/)(utils?|helpers?|common|misc)(\/|\.ts$)/.test(file))).toEqual([]);
    expect(
      FILES.filter((file) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file)),
    ).toEqual([]);
  });
});

describe('the libraries of src', () => {
  test('have one home each', () => {
    const foreign = IMPORTS.filter((entry) => !isLocal(entry) && !isBuiltIn(entry));
    expect(foreign.filter(breaksHome).map(show)).toEqual([]);
  });

  test('are all used: no home stands empty', () => {
    const used = new Set(IMPORTS.map(({ to }) => to));
    expect(Object.keys(HOMES).filter((library) => !used.has(library))).toEqual([]);
  });

  test('are declared by the package', () => {
    const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    const { dependencies, devDependencies } = JSON.parse(text) as Record<string, Record<string, string>>;
    const missing = Object.keys(HOMES).filter((library) => dependencies?.[library] === undefined);
    // The emulator of `sluice dev` comes with a checkout, not with the package.
    expect(missing).toEqual(['fauxqs']);
    expect(devDependencies?.['fauxqs']).toBeDefined();
  });
});

describe('the environment', () => {
  test('is read by config/load alone, and set in one line of main', () => {
    const readers = [...CODE].flatMap(([file, code]) =>
      withoutComments(code)
        .split('\n')
        .filter((line) => /\bprocess\s*(\.\s*env\b|\[\s*'env')|\benv\b.*from 'node:process'/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(readers).toEqual([
      'config/load.ts: export function loadConfig(overrides: Environment = {}, environment: Environment = process.env): Config {',
      'config/load.ts: export function effectiveVariables(environment: Environment = process.env): Effective {',
      'config/load.ts: export function unknownVariables(environment: Environment = process.env): string[] {',
      "main.ts: process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';",
    ]);
  });
});

describe('this test', () => {
  const parse = (code: string) =>
    importsOf('sftp/session.ts', code).map(({ to, typeOnly }) => [to, typeOnly]);

  test('sees every form of import', () => {
    expect(parse("import { a, type B } from './a.ts';")).toEqual([['sftp/a.ts', false]]);
    expect(parse("import type { A } from '../a.ts';")).toEqual([['a.ts', true]]);
    expect(parse("import {\n  type A,\n  type B,\n} from 'ssh2';")).toEqual([['ssh2', true]]);
    expect(parse("import ssh2, { type A } from 'ssh2';")).toEqual([['ssh2', false]]);
    expect(parse("import * as s3 from '@aws-sdk/client-s3/dist';")).toEqual([['@aws-sdk/client-s3', false]]);
    expect(parse("export * from './wire/a.ts';")).toEqual([['sftp/wire/a.ts', false]]);
    expect(parse("export type { A } from './a.ts';")).toEqual([['sftp/a.ts', true]]);
    expect(parse("import './a.ts';\nawait import('pino');")).toEqual([
      ['sftp/a.ts', false],
      ['pino', false],
    ]);
    expect(parse("// import 'x';\n/* import 'y'; */\nconst a = 'http://z';")).toEqual([]);
    expect(parse("import { a } from './a.ts'; import { b } from './b.ts';")).toHaveLength(2);
  });

  test('sees each file of src import something, except those that need nothing', () => {
    expect(IMPORTS.length).toBeGreaterThan(200);
    const silent = FILES.filter((file) => !IMPORTS.some(({ from }) => from === file));
    for (const file of silent) expect(CODE.get(file)).not.toMatch(/^import /m);
  });

  test('finds a breach of each rule, and a circle', () => {
    const entry = (from: string, to: string, typeOnly = false): Import => ({ from, to, typeOnly });
    expect(breaksDependencyRule(entry('sftp/session.ts', 'ssh/channel.ts'))).toBe(true);
    expect(breaksDependencyRule(entry('backends/memory/memory.ts', 'backends/s3/keys.ts', true))).toBe(true);
    expect(breaksDependencyRule(entry('contract/path.ts', 'config/load.ts'))).toBe(true);
    expect(breaksDependencyRule(entry('ssh/channel.ts', 'sftp/session.ts'))).toBe(false);
    expect(breaksTypesOnly(entry('ssh/channel.ts', 'sftp/session.ts'))).toBe(true);
    expect(breaksHome(entry('sftp/session.ts', 'ssh2', true))).toBe(true);
    expect(breaksHome(entry('cli/dev/dev.ts', '@opentelemetry/sdk-trace-node'))).toBe(true);
    expect(breaksHome(entry('cli/dev/dev.ts', '@opentelemetry/sdk-trace-node', true))).toBe(false);
    expect(breaksHome(entry('ssh/a.ts', 'left-pad'))).toBe(true);
    expect(findCycle([entry('a', 'b'), entry('b', 'c'), entry('c', 'b')])).toEqual(['b', 'c', 'b']);
    expect(findCycle([entry('a', 'b'), entry('a', 'c'), entry('b', 'c')])).toBeUndefined();
  });
});
