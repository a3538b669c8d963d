import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Finished, Running, run } from './support/processes.ts';
import { TEST_CREDENTIALS } from './support/s3-subject.ts';
import { sftp } from './support/service.ts';
import { startStrictS3 } from './support/strict-s3/server.ts';
import { createWorkspace, USERNAME, type Workspace } from './support/workspace.ts';

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
  files: ['main.ts', 'library.ts'],
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
let workspace: Workspace;

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
  await writeFile(join(folder, 'library.ts'), await readExample());
  workspace = await createWorkspace();
});
afterAll(async () => {
  await workspace?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** The program that docs/library.md begins with. */
async function readExample(): Promise<string> {
  const text = await readFile(join(ROOT, 'docs', 'library.md'), 'utf8');
  const [, code] = /```ts\n(.*?)```/s.exec(text) ?? [];
  if (code === undefined) throw new Error('docs/library.md has no program');
  return code;
}

const compile = (compiler: string): Promise<Finished> => run(process.execPath, [compiler], { cwd: folder });

test('the packed package has declarations that compile where it is installed, and works there', async () => {
  const compiled = await compile(join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'));
  expect(compiled).toMatchObject({ code: 0, stdout: '' });
  const ran = await run(process.execPath, ['out/main.js'], { cwd: folder });
  expect(ran).toMatchObject({ code: 0, stderr: '', stdout: 'true true s3 true\ntrue\n' });
});

test('the program in docs/library.md does what it says, in a folder with the two files that it names', async () => {
  const s3 = await startStrictS3({ buckets: ['my-bucket'] });
  const compiled = await readFile(join(folder, 'out', 'library.js'), 'utf8');
  // Another place for the bucket, and a port that is free; the rest is as it stands there.
  const aws = JSON.stringify({ endpoint: s3.endpoint, credentials: TEST_CREDENTIALS });
  const here = compiled.replace("bucket: 'my-bucket',", `$& aws: ${aws},`).replace('port: 2222', 'port: 0');
  expect(here).toContain(aws);
  await writeFile(join(folder, 'out', 'here.js'), here);
  const running = new Running(process.execPath, [join(folder, 'out', 'here.js')], { cwd: workspace.folder });
  const port = Number((await running.line((line) => line.startsWith('sftp -P'))).split(' ')[2]);
  await writeFile(workspace.path('report.csv'), 'a,b\n');
  const put = [`put ${workspace.path('report.csv')} /report.csv`];
  expect(await sftp({ port }, workspace, put)).toMatchObject({ code: 0 });
  expect(await running.line((line) => line.includes('report'))).toBe(`${USERNAME} /report.csv 4`);
  expect([...s3.objects('my-bucket').keys()]).toContain('tenants/acme/report.csv');
  running.kill('SIGKILL');
  await running.exited;
  await s3.close();
});
