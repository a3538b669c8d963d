import { Running } from './processes.ts';

/** Runs code of a module in a process of its own, where `backend` is the folder backend on `root` and `context` somebody's. */
export function startOnFolder(root: string, code: string): Running {
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `
    import { createFolderBackend } from ${module('../../src/backends/folder/backend.ts')};
    import { createTestContext } from ${module('../../src/testing/index.ts')};
    const backend = createFolderBackend({ root: ${JSON.stringify(root)} });
    const context = createTestContext();
    ${code}`;
  return new Running(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program]);
}

/**
 * A process that swaps names for links as fast as it can, and back, until it is told to stop (SIGTERM). A name, another one that
 * it is moved to meanwhile, and what the link leads to. Prints how often it has gone round.
 */
export function startSwapping(
  folder: string,
  swaps: readonly (readonly [name: string, aside: string, target: string])[],
): Running {
  const program = `
    import { renameSync, symlinkSync, unlinkSync } from 'node:fs';
    process.chdir(${JSON.stringify(folder)});
    const swaps = ${JSON.stringify(swaps)};
    // The others may have put something in the place of the link, or of nothing.
    const unless = (expected, work) => {
      try {
        work();
      } catch (error) {
        if (error.code !== expected) throw error;
      }
    };
    let rounds = 0;
    const round = () => {
      for (let turn = 0; turn < 50; turn += 1) {
        for (const [name, aside, target] of swaps) {
          renameSync(name, aside);
          unless('EEXIST', () => symlinkSync(target, name));
          unlinkSync(name);
          renameSync(aside, name);
        }
      }
      rounds += 50;
      if (rounds === 50) console.log('swapping');
      setImmediate(round);
    };
    process.once('SIGTERM', () => {
      console.log(rounds);
      process.exit();
    });
    round();`;
  return new Running(process.execPath, ['--input-type=module', '--eval', program]);
}
