import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FS_ERROR_CODES } from '../../src/contract/errors.ts';
import { codeIn, type Row, readTable } from '../support/markdown-tables.ts';
import { run } from '../support/processes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = new URL('../../docs/custom-backend.md', import.meta.url);
const CONTRACT = readFileSync(join(ROOT, 'src/contract/backend.ts'), 'utf8');
const COLUMNS = ['Operation', 'Arguments', 'Result', 'Errors'];

/** The page's code, in its order: a backend, a test of it, faults around it. */
const [BACKEND = '', KIT = '', FAULTS = ''] = [
  ...readFileSync(PAGE, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm),
].map(([, code = '']) => code);

interface Member {
  readonly name: string;
  readonly isOptional: boolean;
  readonly parameters: readonly string[];
  /** The codes of its own @throws. */
  readonly codes: readonly string[];
}

/** The members of an interface of the contract, as its source has them. */
function membersOf(name: string): Member[] {
  const body = new RegExp(`^export interface ${name} \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(CONTRACT)?.[1] ?? '';
  const pattern = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+(?:readonly )?(\w+)(\?)?(?:\(([\s\S]*?)\))?:/g;
  return [...body.matchAll(pattern)].map(([, comment = '', member = '', optional, parameters = '']) => ({
    name: member,
    isOptional: optional === '?',
    parameters: [...parameters.matchAll(/(\w+)\??:/g)].map(([, parameter = '']) => parameter),
    codes: FS_ERROR_CODES.filter((code) => (comment.split('@throws')[1] ?? '').includes(`\`${code}\``)),
  }));
}

describe.each([
  ['Backend', '## The contract'],
  ['Upload', 'An upload is one handle, from OPEN to CLOSE:'],
])('the table of %s', (name, heading) => {
  const members = membersOf(name);
  const rows = readTable(PAGE, heading, COLUMNS);
  const rowOf = (member: string): Row =>
    rows.find(({ Operation }) => codeIn(Operation)[0] === member) ?? { Operation: '' };

  test('has a row for each member of the contract, in no other order, and says which are optional', () => {
    expect(members.length).toBeGreaterThan(9);
    const expected = members.map((each) => `\`${each.name}\`${each.isOptional ? ', optional' : ''}`);
    expect(rows.map(({ Operation }) => Operation).sort()).toEqual(expected.sort());
  });

  test.each(members)('names the arguments of $name, and every code that it is said to throw', (member) => {
    const { Arguments = '', Errors = '' } = rowOf(member.name);
    expect(codeIn(Arguments).join()).toBe(member.parameters.join(', '));
    for (const code of member.codes) expect(codeIn(Errors)).toContain(code);
  });
});

describe('the code of the page', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
    mkdirSync(join(folder, 'node_modules'));
    for (const name of ['sluice', '@types'])
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
    const { paths: _, ...strict } = compilerOptions;
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...strict, noEmit: false, outDir: 'dist', rootDir: '.' },
        include: ['*.ts'],
      }),
    );
    writeFileSync(join(folder, 'map.ts'), BACKEND);
    writeFileSync(join(folder, 'map.test.ts'), KIT);
    writeFileSync(join(folder, 'faults.ts'), FAULTS);
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      stdio: 'pipe',
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('compiles strictly, and the backend passes the kit under node:test as the page runs it', async () => {
    const { code, stdout } = await run(process.execPath, ['--test', join(folder, 'dist/map.test.js')]);
    expect(stdout).toMatch(/^. fail 0$/m);
    expect(stdout).toMatch(/^. skipped 0$/m);
    expect(stdout).toMatch(/^. pass 2\d\d$/m);
    expect(stdout).toContain('NOT RUN, for want of beginWrite');
    expect(code).toBe(0);
  });

  test('the backend is one that a server takes', async () => {
    const { init } = (await import(join(folder, 'dist/map.js'))) as { init(): { name: string } };
    expect(init().name).toBe('map');
  });

  test('the faults strike', async () => {
    const { code, stderr } = await run(process.execPath, [
      '--input-type=module',
      '-e',
      `const { backend } = await import(${JSON.stringify(join(folder, 'dist/faults.js'))});
       const { createTestContext } = await import(${JSON.stringify(join(ROOT, 'dist/testing/index.js'))});
       const context = createTestContext();
       await backend.delete(context, '/x');`,
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain('TypeError: a fault of the program');
  });
});

test('the smallest backend is small', () => {
  expect(BACKEND.trim().split('\n').length).toBeLessThanOrEqual(55);
});
