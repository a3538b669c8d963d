import { mkdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { WriteOptions } from '../../../src/contract/backend.ts';
import { createRandom } from '../../../src/testing/probe.ts';
import { startSwapping } from '../../support/folder-processes.ts';
import { codeOf, createFolderSubject, type FolderSubject, snapshot } from '../../support/folder-subject.ts';

/** A longer run: RACE_SECONDS=300 RACE_SEED=7 npx vitest run test/backends/folder/races.test.ts */
const SECONDS = Number(process.env['RACE_SECONDS'] ?? 4);
const SEED = Number(process.env['RACE_SEED'] ?? 1);
const CLIENTS = 8;

const replace: WriteOptions = { create: true, exclusive: false, truncate: true, append: false };

/** The same names inside and outside, so that whatever is led out finds something to spoil. */
async function furnish(folder: string, content: string): Promise<void> {
  await mkdir(`${folder}/sub/deep`, { recursive: true });
  await mkdir(`${folder}/empty`);
  for (const name of ['file', 'other', 'sub/file', 'sub/deep/file'])
    await writeFile(`${folder}/${name}`, content);
}

/** One client, who does one thing after another below the names that are swapped. Says how often it was served, and how often refused. */
async function roam(
  { backend, context }: FolderSubject,
  random: () => number,
  until: number,
  seen: (what: string) => void,
): Promise<{ served: number; refused: number }> {
  const any = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const counts = { served: 0, refused: 0 };
  const bytes = Buffer.from('written');
  const read = async (path: string) => seen(Buffer.from(await backend.readFile(context, path)).toString());
  const list = async (path: string) => {
    for await (const page of backend.listDir(context, path)) for (const { name } of page) seen(name);
  };
  const info = async (path: string) => seen(`${(await backend.fileInfo(context, path)).size}`);
  const update = async (path: string) => {
    const upload = await backend.beginWrite(context, path, { ...replace, truncate: false });
    try {
      seen(Buffer.from(await upload.readChunk(0, 100)).toString());
      await upload.writeChunk(0, bytes);
    } catch (error) {
      await upload.abortWrite();
      throw error;
    }
    await upload.finishWrite();
  };
  const directory = () =>
    any(['/victim', '/victim/sub', '/victim/sub/deep', '/top/victim', '/top/victim/sub']);
  const file = () => `${directory()}/${any(['file', 'other', 'new'])}`;
  while (performance.now() < until) {
    const exclusive = random() < 0.5;
    const work = any([
      () => read(file()),
      () => read('/name'),
      () => info('/name'),
      () => list(directory()),
      () => info(directory()),
      () => update(any([file(), '/name'])),
      () => backend.writeFile(context, file(), bytes),
      () => backend.writeFile(context, '/name', bytes),
      () => backend.delete(context, file()),
      () => backend.makeDir(context, `${directory()}/${any(['empty', 'made'])}`),
      () => backend.delDir(context, `${directory()}/${any(['empty', 'made'])}`),
      () => backend.rename(context, file(), file(), { exclusive }),
      () => backend.rename(context, `${directory()}/empty`, `${directory()}/made`, { exclusive }),
    ]);
    if ((await codeOf(work())) === 'ok') counts.served += 1;
    else counts.refused += 1;
  }
  return counts;
}

test(
  `clients who work for ${SECONDS} seconds below names that another process swaps for links never get out (seed ${SEED})`,
  async () => {
    const subject = await createFolderSubject();
    await furnish(`${subject.outside}`, 'CANARY, which is of another length');
    await writeFile(`${subject.outside}/outside-only`, 'CANARY');
    await mkdir(subject.local('top'));
    await furnish(subject.local('victim'), 'inside');
    await furnish(subject.local('top/victim'), 'inside');
    await writeFile(subject.local('name'), 'inside');
    const before = await snapshot(subject.outside);
    const swapping = startSwapping(subject.root, [
      ['victim', 'aside', subject.outside],
      ['top/victim', 'top/aside', '../../outside'],
      ['name', 'name-aside', '../outside/file'],
      ['victim/sub', 'victim/aside', `${subject.outside}/sub`],
    ]);
    await swapping.line((line) => line === 'swapping');

    const leaked = new Set<string>();
    const seen = (what: string) => {
      if (/CANARY|outside-only|^34$/.test(what)) leaked.add(what);
    };
    const until = performance.now() + SECONDS * 1000;
    const random = createRandom(SEED);
    const clients = Array.from({ length: CLIENTS }, () =>
      roam(subject, createRandom(random() * 2 ** 32), until, seen),
    );
    const counts = await Promise.all(clients);
    swapping.kill('SIGTERM');
    const { stdout, stderr } = await swapping.exited;

    expect(stderr).toBe('');
    expect([...leaked]).toEqual([]);
    expect(await snapshot(subject.outside)).toEqual(before);
    // It was a race, and both sides ran.
    const total = (of: 'served' | 'refused') => counts.reduce((sum, count) => sum + count[of], 0);
    expect(Number(stdout.split('\n').at(-1))).toBeGreaterThan(500);
    expect(total('served')).toBeGreaterThan(500);
    expect(total('refused')).toBeGreaterThan(500);
    await subject.remove();
  },
  (SECONDS + 60) * 1000,
);
