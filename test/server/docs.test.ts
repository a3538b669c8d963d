import { expect, test } from 'vitest';
import type { ServerEvents, ServerOptions } from '../../src/index.ts';
import { codeIn, readTable } from '../support/markdown-tables.ts';

const DOCS = new URL('../../docs/library.md', import.meta.url);

/** A name that is missing here, or is none, does not compile. */
const OPTIONS: Record<keyof ServerOptions, true> = {
  backend: true,
  backendOptions: true,
  auth: true,
  hostKeys: true,
  jobs: true,
  temporaryNames: true,
  duplicates: true,
  sidecar: true,
  reportsRenames: true,
  memoryBudgetBytes: true,
  spool: true,
  maxSessions: true,
  maxSessionsPerUser: true,
  maxStartupsPerAddress: true,
  penaltyExempt: true,
  sshAlgorithms: true,
  loginGraceSeconds: true,
  idleTimeoutSeconds: true,
  trustedProxies: true,
  serviceName: true,
  log: true,
  tracer: true,
  meter: true,
  traceChunks: true,
};
const EVENTS: Record<keyof ServerEvents, true> = {
  listening: true,
  connection: true,
  login: true,
  upload: true,
  uploadFailed: true,
  job: true,
  close: true,
};

test('the table of options has every option', () => {
  const rows = readTable(DOCS, '## Options', ['Option', 'Meaning', 'Default']);
  expect(rows.flatMap(({ Option }) => codeIn(Option))).toEqual(Object.keys(OPTIONS));
});

test('the table of events has every event', () => {
  const rows = readTable(DOCS, '## Events', ['Event', 'Told', 'When']);
  expect(rows.flatMap(({ Event }) => codeIn(Event))).toEqual(Object.keys(EVENTS));
});
