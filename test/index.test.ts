import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** What `import ... from 'sluice'` gives, resolved through package.json in a process of its own. */
function exportsOf(specifier: string): string[] {
  const program = `console.log(JSON.stringify(Object.keys(await import('${specifier}'))))`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return JSON.parse(output) as string[];
}

test('the package exports the server, the contract, its helpers, a backend and the event', () => {
  expect(exportsOf('sluice')).toEqual([
    'AuthorizedKeysError',
    'BackendError',
    'FS_ERROR_CODES',
    'FsError',
    'MAX_NAME_BYTES',
    'MAX_PATH_BYTES',
    'OptionsError',
    'PERMISSIONS',
    'createFolderBackend',
    'createServer',
    'directoryInfo',
    'fileInfo',
    'findAuthorizedKey',
    'fingerprint',
    'folderBackend',
    'generateHostKey',
    'isRootPath',
    'jobEvent',
    'memoryBackend',
    'normalizePath',
    'parseAuthorizedKeys',
    's3Backend',
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

/** The packages that a program has loaded, but for zod, and what keeps its process alive. */
function loadedBy(program: string): {
  readonly packages: readonly string[];
  readonly resources: readonly string[];
} {
  const report = `
    const { createRequire } = await import('node:module');
    const files = Object.keys(createRequire(import.meta.url).cache);
    const names = files.flatMap((file) => /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1] ?? []);
    // Files that are still being closed are no activity of its own.
    const resources = process.getActiveResourcesInfo().filter((name) => !name.endsWith('Req'));
    process.stdout.write(JSON.stringify({ packages: [...new Set(names)].sort(), resources }), () => process.exit());`;
  const options = { encoding: 'utf8' } as const;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program + report], options));
}

test('importing the package loads neither ssh2 nor the AWS SDK nor OpenTelemetry, and starts nothing', () => {
  const { packages, resources } = loadedBy("await import('sluice');");
  expect(packages.filter((name) => name !== 'zod')).toEqual([]);
  expect(resources).toEqual(loadedBy('').resources);
});

test('a server without S3 and SQS loads nothing of the AWS SDK, and no OpenTelemetry SDK or exporter', () => {
  const { packages } = loadedBy(`
    const { createServer, generateHostKey, memoryBackend } = await import('sluice');
    const hostKeys = await generateHostKey();
    await createServer({
      backend: memoryBackend(),
      auth: async () => undefined,
      hostKeys,
      jobs: { publish: async () => {} },
    });`);
  expect(packages).toContain('ssh2');
  expect(packages.filter((name) => /^@(aws-sdk|smithy|opentelemetry)\/|pino/.test(name))).toEqual([
    '@opentelemetry/api',
    '@opentelemetry/core',
    '@opentelemetry/semantic-conventions',
  ]);
});
