import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** What `import ... from 'sluice'` gives, resolved through package.json in a process of its own. */
function exportsOf(specifier: string): string[] {
  const program = `console.log(JSON.stringify(Object.keys(await import('${specifier}'))))`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return JSON.parse(output) as string[];
}

test('the package exports the contract, its helpers and the event', () => {
  expect(exportsOf('sluice')).toEqual([
    'FS_ERROR_CODES',
    'FsError',
    'MAX_NAME_BYTES',
    'MAX_PATH_BYTES',
    'PERMISSIONS',
    'directoryInfo',
    'fileInfo',
    'isRootPath',
    'jobEvent',
    'normalizePath',
    'supportsCallback',
    'uploadFailedEvent',
    'uploadFinishedEvent',
    'uploadRenamedEvent',
  ]);
});

test('sluice/testing exports the conformance kit and faults', () => {
  expect(exportsOf('sluice/testing')).toEqual([
    'OPTIONAL_OPERATIONS',
    'conformanceCases',
    'createFaultPlan',
    'createTestContext',
    'runConformance',
    'withFaults',
  ]);
});
