import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Finished, run } from './support/processes.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Of somebody who has installed the package, and checks its declarations too. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    outDir: 'out',
  },
  files: ['main.ts'],
};

const MAIN = `
import {
  createServer,
  FsError,
  generateHostKey,
  type Backend,
  type FinishedUpload,
  type JobEvent,
  memoryBackend,
  OptionsError,
  s3Backend,
} from 'sluice';
import { conformanceCases } from 'sluice/testing';

const files: Backend = memoryBackend();
const bucket = s3Backend({ bucket: 'files', prefix: 'session:prefix' });
const server = await createServer({
  backend: { init: (options: { root: string }, { log }) => (log.info({ ...options }, 'made'), files) },
  backendOptions: { root: '/srv' },
  auth: async ({ username }) => (username === 'ali' ? { username, session: {} } : undefined),
  hostKeys: await generateHostKey(),
  jobs: { publish: async (event: JobEvent) => console.log(event.data.path) },
});
server.on('upload', (upload: FinishedUpload) => console.log(upload.stored.size));
server.on('login', ({ outcome }) => console.log(outcome));
// @ts-expect-error: there is no such event
server.on('uploaded', () => undefined);
const { port } = await server.listen({ port: 0, host: '127.0.0.1' });
await server.close();
const error: unknown = await createServer({} as never).catch((reason) => reason);
console.log(port > 0, error instanceof OptionsError, bucket.kind, conformanceCases.length > 50);
console.log(new FsError('ENOENT', 'no') instanceof Error);
`;

let folder: string;

/** The package as it would be published, installed with its dependencies, without asking anybody. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-package-'));
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
  });
  expect(packed).toMatchObject({ code: 0 });
  const [{ filename }] = JSON.parse(packed.stdout);
  const home = join(folder, 'node_modules', 'sluice');
  await mkdir(home, { recursive: true });
  await run('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', home]);
  const { dependencies } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link);
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  await writeFile(join(folder, 'main.ts'), MAIN);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const compile = (compiler: string): Promise<Finished> => run(process.execPath, [compiler], { cwd: folder });

test('the packed package has declarations that compile where it is installed, and works there', async () => {
  const compiled = await compile(join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'));
  expect(compiled).toMatchObject({ code: 0, stdout: '' });
  const ran = await run(process.execPath, ['out/main.js'], { cwd: folder });
  expect(ran).toMatchObject({ code: 0, stderr: '', stdout: 'true true s3 true\ntrue\n' });
});
