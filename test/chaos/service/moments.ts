import { setTimeout as pause } from 'node:timers/promises';
import type { Dice } from '../../support/dice.ts';
import type { Surroundings } from '../../support/service.ts';
import type { RecordedRequest } from '../../support/strict-s3/server.ts';

export const OUTBOX = '.sluice/outbox/';

/** When the server is killed in one round, and how SQS is until then. */
export interface Moment {
  readonly name: string;
  readonly sqs: 'well' | 'refusing' | 'recovering';
  /** Waits for it from now on; called before the server starts. */
  readonly arm: (around: Surroundings, dice: Dice) => Armed;
}

export interface Armed {
  /** Called when the clients begin. Resolves at the moment; whatever it holds then is let go with the faults. */
  reached(): Promise<unknown>;
}

/** A moment that has not come by then never does: the server is killed all the same. */
export const LONGEST_MS = 12_000;

/** So many requests of the kind go by, at the most, before the one that it happens to. */
const MOST = 12;

type Matches = (request: Pick<RecordedRequest, 'operation' | 'key'>) => boolean;

const isOf = (...names: readonly RecordedRequest['operation'][]): Matches => {
  const operations = new Set(names);
  return ({ operation, key = '' }) => operations.has(operation) && !key.startsWith('.sluice/');
};
const makesObject = isOf('PutObject', 'CompleteMultipartUpload');
const copies = isOf('CopyObject');
const deletes = isOf('DeleteObject');
const ofOutbox =
  (name: RecordedRequest['operation']): Matches =>
  ({ operation, key = '' }) =>
    operation === name && key.startsWith(OUTBOX);

/** S3 has not begun (`request`) or is done and has not answered (`response`). What it has not begun it does after the kill. */
const heldByS3 =
  (matches: Matches, hang: 'request' | 'response', most = MOST): Moment['arm'] =>
  ({ s3 }, dice) => {
    const fault = s3.fault({ when: matches, nth: dice.between(1, most), hang });
    return { reached: () => fault.reached() };
  };

const answeredByS3 =
  (matches: Matches): Moment['arm'] =>
  ({ s3 }, dice) => {
    const nth = dice.between(1, MOST);
    const seen = new Set<RecordedRequest>();
    const isIt = (request: RecordedRequest) => {
      const isAnswered = request.endTime !== undefined && request.status === 200;
      if (isAnswered && matches(request)) seen.add(request);
      return seen.size >= nth;
    };
    return { reached: () => s3.waitFor(isIt, { timeoutMs: LONGEST_MS }) };
  };

const SENDING = /SendMessage/;

const heldBySqs =
  (hang: 'request' | 'response'): Moment['arm'] =>
  ({ sqs }, dice) => {
    const fault = sqs.fault({ target: SENDING, nth: dice.between(1, MOST), hang });
    return { reached: () => fault.reached() };
  };

const answeredBySqs: Moment['arm'] = ({ sqs }, dice) => {
  const before = sqs.requests.length;
  const nth = dice.between(1, MOST);
  const isSent = ({ target, status }: (typeof sqs.requests)[number]) =>
    SENDING.test(target ?? '') && status === 200;
  const isIt = () => sqs.requests.slice(before).filter(isSent).length >= nth;
  return { reached: () => sqs.waitFor(isIt, { timeoutMs: LONGEST_MS }) };
};

const well = (name: string, arm: Moment['arm']): Moment => ({ name, sqs: 'well', arm });
const anyTime: Moment['arm'] = (_, dice) => {
  const ms = dice.between(0, 1_500);
  return { reached: () => pause(ms) };
};

/**
 * Most lie between the object and the answer to CLOSE: there a server that is killed has something to lose. With
 * `everyObject` (`SLUICE_JOBS=every-object`) a record of every job precedes its object.
 */
export function momentsFor(everyObject: boolean): Moment[] {
  return [
    well('any time', anyTime),
    well('object asked for', heldByS3(makesObject, 'request')),
    well('object made', heldByS3(makesObject, 'response')),
    well('object answered', answeredByS3(makesObject)),
    well('job offered', heldBySqs('request')),
    well('job taken', heldBySqs('response')),
    well('job answered', answeredBySqs),
    { name: 'object answered', sqs: 'refusing', arm: answeredByS3(makesObject) },
    well('copy asked for', heldByS3(copies, 'request')),
    well('copy made', heldByS3(copies, 'response')),
    well('staged to be deleted', heldByS3(deletes, 'request')),
    well('staged deleted', heldByS3(deletes, 'response')),
    ...outboxMoments('refusing', 'recovering'),
    ...(everyObject ? outboxMoments('well', 'well') : []),
  ];
}

function outboxMoments(writing: Moment['sqs'], emptying: Moment['sqs']): Moment[] {
  return [
    { name: 'record asked for', sqs: writing, arm: heldByS3(ofOutbox('PutObject'), 'request') },
    { name: 'record written', sqs: writing, arm: heldByS3(ofOutbox('PutObject'), 'response') },
    { name: 'record to be deleted', sqs: emptying, arm: heldByS3(ofOutbox('DeleteObject'), 'request', 3) },
    { name: 'record deleted', sqs: emptying, arm: heldByS3(ofOutbox('DeleteObject'), 'response', 3) },
  ];
}
