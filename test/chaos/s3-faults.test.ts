import { afterAll, beforeAll, expect, test } from 'vitest';
import { PartPlan } from '../../src/backends/s3/part-plan.ts';
import { createSweeper } from '../../src/backends/s3/sweeper.ts';
import { FsError } from '../../src/contract/errors.ts';
import { Dice } from '../support/dice.ts';
import { createS3Subject, type S3Subject } from '../support/s3-subject.ts';
import {
  type RecordedRequest,
  type S3FaultAction,
  type S3FaultRule,
  type StrictS3,
  startStrictS3,
} from '../support/strict-s3/server.ts';
import { type Outcome, play, type RandomUpload, randomUpload, UNIT } from './random-upload.ts';

/**
 * Hundreds of uploads to a store that fails at random in every way that S3 fails. Whatever is answered to a client must
 * be true: OK, and the file is there, byte by byte; or a failure, and what was there before still is.
 */

const SEED = 20_261;
/** How many uploads have which weather. In the dark ones only what makes the object fails, nearly always. */
const UPLOADS = { calm: 155, storm: 25, dark: 20 };
/** Of the calm ones; the others, which mostly wait, go on beside them. */
const AT_ONCE = 24;
const BUCKET = 'bucket';

const PLAN = new PartPlan([
  { parts: 4, partBytes: UNIT, unitBytes: UNIT },
  { parts: 4, partBytes: 2 * UNIT, unitBytes: 2 * UNIT },
  { parts: 100, partBytes: 6 * UNIT, unitBytes: 2 * UNIT },
]);

/** A hang lasts so long, not half a minute. A busy machine is not to look like one: Node takes one connection a turn. */
const SILENCE = { connecting: 5_000, usual: 3_000, patient: 3_000 };

const MAKES_OBJECT = new Set<RecordedRequest['operation']>(['PutObject', 'CompleteMultipartUpload']);

interface Trouble {
  readonly action: S3FaultAction;
  readonly operation?: 'CompleteMultipartUpload' | 'PutObject' | 'UploadPartCopy';
  /** The share of requests that meet it, in each weather. */
  readonly calm?: number;
  readonly storm?: number;
  readonly dark?: number;
}

const internalError = { code: 'InternalError' };
const lost = { action: { reset: 'request' }, dark: 0.95 } as const;
const TROUBLES: Readonly<Record<string, Trouble>> = {
  SlowDown: { action: { respond: { status: 503, code: 'SlowDown' } }, calm: 0.05 },
  InternalError: { action: { respond: { status: 500, ...internalError } }, calm: 0.02, storm: 0.4 },
  'reset before the request': { action: { reset: 'request' }, calm: 0.02, storm: 0.15 },
  'reset within the request': { action: { reset: 'request-body' }, calm: 0.03, storm: 0.1 },
  'reset before the answer': { action: { reset: 'response' }, calm: 0.03, storm: 0.2 },
  'reset within the answer': { action: { reset: 'response-body' }, calm: 0.03, storm: 0.1 },
  'hang before the request': { action: { hang: 'request' }, calm: 0.006, storm: 0.015 },
  'hang before the answer': { action: { hang: 'response' }, calm: 0.006, storm: 0.015 },
  'error inside 200': {
    operation: 'CompleteMultipartUpload',
    action: { errorInside200: internalError },
    calm: 0.1,
    storm: 0.1,
  },
  'error inside 200, line break': {
    operation: 'CompleteMultipartUpload',
    action: { errorInside200: { ...internalError, lineBreak: true } },
    calm: 0.15,
    storm: 0.15,
  },
  'error inside 200 of a copy': {
    operation: 'UploadPartCopy',
    action: { errorInside200: { ...internalError, lineBreak: true } },
    calm: 0.1,
    storm: 0.1,
  },
  'lost PutObject': { ...lost, operation: 'PutObject' },
  'lost CompleteMultipartUpload': { ...lost, operation: 'CompleteMultipartUpload' },
};

let s3: StrictS3;
let subject: S3Subject;
beforeAll(async () => {
  s3 = await startStrictS3({ buckets: [BUCKET], minPartBytes: UNIT });
  subject = createS3Subject(s3.endpoint, BUCKET, { silence: SILENCE, plan: PLAN });
});
afterAll(async () => {
  subject.close();
  await s3.close();
});

const stored = (name: string) => s3.objects(BUCKET).get(name)?.body;
const staged = () => [...s3.objects(BUCKET).keys()].filter((key) => key.startsWith('.sluice/'));

/** What upload a request is of, by the names of its path and of its staging objects. */
const uploadOf = (key = '') => /(calm|storm|dark)-\d+/.exec(key)?.[0];

const weatherOf = (key?: string) => (uploadOf(key)?.split('-')[0] ?? 'calm') as keyof typeof UPLOADS;

function stirUp(dice: Dice) {
  const faults = Object.entries(TROUBLES).map(([name, { action, operation, ...shares }]) => {
    const when: S3FaultRule['when'] = ({ key }) => dice.chance(shares[weatherOf(key)] ?? 0);
    const rule = { ...(operation === undefined ? {} : { operation }), when, ...action };
    return [name, s3.fault(rule)] as const;
  });
  return () => Object.fromEntries(faults.map(([name, { hits }]) => [name, hits]));
}

type Outcomes = Map<RandomUpload, Outcome>;

async function playAll(uploads: readonly RandomUpload[], outcomes: Outcomes, atOnce: number): Promise<void> {
  const queue = uploads.values();
  const worker = async () => {
    for (const upload of queue) outcomes.set(upload, await play(subject.backend, upload));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Throws unless the client was told the truth. */
function judge(upload: RandomUpload, outcome: Outcome): 'stored' | 'aborted' | 'refused' | 'unknown' {
  const { name, older, newer } = upload;
  const found = stored(name);
  if (outcome === 'stored') {
    expect(found?.equals(newer), `${name}: the file that was stored`).toBe(true);
    return outcome;
  }
  if (outcome !== 'aborted') expect(outcome.refusal).toBeInstanceOf(FsError);
  const isOlder = found === undefined ? older === undefined : older?.equals(found);
  if (isOlder) return outcome === 'aborted' ? outcome : 'refused';
  expect(outcome, `${name}: aborted, and not what it was`).not.toBe('aborted');
  expect(found?.equals(newer), `${name}: neither the older file nor the newer`).toBe(true);
  expect(hasAskedInVain(name), `${name}: refused, though the store knows that it was made`).toBe(true);
  return 'unknown';
}

/** Whether the backend has asked for the object after the last request that could make it, and got no answer. */
function hasAskedInVain(name: string): boolean {
  const ofKey = s3.requests.filter(({ key }) => key === name);
  const asked = ofKey
    .slice(ofKey.findLastIndex(({ operation }) => MAKES_OBJECT.has(operation)))
    .filter(({ operation }) => operation === 'HeadObject');
  return asked.length > 0 && asked.every(({ status, aborted }) => status !== 200 || aborted);
}

/** Why a multipart upload may be left: nobody knows its id, or none of the requests to abort it was done. */
function isExcused(uploadId: string): boolean {
  const ofUpload = s3.requests.filter(({ query }) => query['uploadId'] === uploadId);
  const aborts = ofUpload.filter(({ operation }) => operation === 'AbortMultipartUpload');
  return ofUpload.length === 0 || (aborts.length > 0 && aborts.every(({ status }) => status !== 204));
}

function metFault({ status, aborted, errorCode }: RecordedRequest): boolean {
  return status === undefined || aborted || (errorCode !== undefined && status !== 404);
}

test('what a client is told is true, whatever the store does', { timeout: 120_000 }, async () => {
  const dice = new Dice(SEED);
  const uploads = Object.entries(UPLOADS).flatMap(([weather, count]) =>
    Array.from({ length: count }, (_, n) => randomUpload(dice, `${weather}-${n}`)),
  );
  for (const { name, older } of uploads) if (older !== undefined) s3.seed(BUCKET, name, older);
  const hits = stirUp(dice);
  const outcomes: Outcomes = new Map();
  await Promise.all([
    playAll(uploads.slice(0, UPLOADS.calm), outcomes, AT_ONCE),
    playAll(uploads.slice(UPLOADS.calm), outcomes, uploads.length),
  ]);
  const faults = hits();
  s3.clearFaults();

  const verdicts = { stored: 0, aborted: 0, refused: 0, unknown: 0 };
  for (const [upload, outcome] of outcomes) verdicts[judge(upload, outcome)] += 1;
  const met = new Set(s3.requests.filter(metFault).map(({ key }) => uploadOf(key)));
  const open = s3.openUploads(BUCKET);

  // The test is worth something only if both happen, and faults are met by most.
  expect(verdicts.stored).toBeGreaterThan(UPLOADS.calm * 0.5);
  expect(verdicts.refused).toBeGreaterThan(UPLOADS.dark * 0.2);
  expect(met.size).toBeGreaterThan(uploads.length * 0.5);
  for (const [name, count] of Object.entries(faults)) expect(count, name).toBeGreaterThan(0);

  expect(open.filter(({ uploadId }) => !isExcused(uploadId))).toEqual([]);
  expect(subject.budget.usedBytes).toBe(0);
  await sweep();
  expect(s3.openUploads(BUCKET)).toEqual([]);
  expect(staged()).toEqual([]);
});

async function sweep(): Promise<void> {
  const ignore = () => {};
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const now = () => Date.now() + 60_000;
  const { store } = subject;
  const { failed } = await createSweeper({ store, prefix: '', olderThanMs: 0, log, now }).sweep();
  expect(failed).toBe(0);
}
