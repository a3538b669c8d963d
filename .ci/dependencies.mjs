// Prints what the production image holds besides Node and Sluice: name, version, licence, one package a line, and how many have which
// licence. It goes by what is installed here, which is what the lockfile says; optional packages for other platforms are not.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const listed = execFileSync(
  'npm',
  ['ls', '--omit=dev', '--all', '--workspaces=false', '--parseable', '--silent'],
  { encoding: 'utf8' },
);
const [, ...folders] = listed.trim().split('\n');
const packages = folders
  .map((folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
  .map(({ name, version, license, licenses }) => ({
    name,
    version,
    license: license ?? licenses?.[0]?.type ?? 'none named',
  }))
  .sort((one, other) => one.name.localeCompare(other.name));
const counts = new Map();
for (const { name, version, license } of packages) {
  counts.set(license, (counts.get(license) ?? 0) + 1);
  process.stdout.write(`${name} ${version} ${license}\n`);
}
const byCount = [...counts].sort(([, one], [, other]) => other - one);
process.stdout.write(
  `${packages.length} packages: ${byCount.map(([license, count]) => `${count} ${license}`).join(', ')}\n`,
);
