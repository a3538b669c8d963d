import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StateMessage } from '../../src/console/messages.ts';
import { Model } from '../../src/console/page/model.ts';
import { toState } from '../../src/console/to-messages.ts';
import { toUpdate } from '../../src/console/to-update.ts';
import { aLiveUpload, aSession, ScriptedSource } from '../support/scripted-source.ts';

type Step = {
  readonly act: 'put' | 'end' | 'login' | 'logout' | 'send';
  readonly id: string;
  readonly bytes: number;
};

const step = fc.record({
  act: fc.constantFrom<Step['act'][]>('put', 'end', 'login', 'logout', 'send'),
  id: fc.constantFrom('a', 'b', 'c'),
  bytes: fc.nat(),
});

function take(source: ScriptedSource, { act, id, bytes }: Step, serial: number): void {
  const { liveSessions } = source;
  const at = liveSessions.findIndex(({ connection }) => connection.id === id);
  if (act === 'put') source.put({ id, bytes, isFinishing: bytes % 2 === 0, startedAt: new Date(0) });
  else if (act === 'end' && source.liveUploads.has(id)) source.end(id, 'ok', new Date(serial));
  else if (act === 'login' && at === -1)
    liveSessions.push(aSession({ id, bytesIn: bytes, connectedAt: new Date(0) }));
  else if (act === 'logout' && at !== -1) liveSessions.splice(at, 1);
  else if (act === 'send') {
    source.activity.jobSent({
      id,
      type: 'finished',
      path: '/',
      sentAt: new Date(serial),
      place: 'queue',
      traceId: undefined,
    });
  }
  source.usedBytes = bytes;
}

/** What a page shows of a state. */
function toPicture({ sessions, uploads, ended, jobs, buffer }: Model | StateMessage) {
  const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);
  return {
    sessions: [...sessions.values()].sort(byId),
    uploads: [...uploads.values()].sort(byId),
    ended,
    jobs,
    buffer,
  };
}

test('a page that takes the updates shows what a page shows that comes anew', () => {
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 12 }), (rounds) => {
      const source = new ScriptedSource();
      const model = new Model();
      let told = toState(source);
      let serial = 0;
      model.takeState(told);
      for (const steps of rounds) {
        for (const each of steps) take(source, each, serial++);
        const state = toState(source);
        const update = toUpdate(told, state);
        if (update !== undefined) model.takeUpdate(JSON.parse(JSON.stringify(update)));
        told = state;
        expect(toPicture(model)).toEqual(toPicture(state));
      }
    }),
  );
});

test('nothing is told when nothing has changed', () => {
  const source = new ScriptedSource();
  source.put(aLiveUpload());
  expect(toUpdate(toState(source), toState(source))).toBeUndefined();
});

test('of an upload that goes on only its numbers are told', () => {
  const source = new ScriptedSource();
  source.put({ id: 'u1', bytes: 1 });
  source.put({ id: 'u2', bytes: 1 });
  const before = toState(source);
  source.put({ id: 'u1', bytes: 2 });
  expect(toUpdate(before, toState(source))).toEqual({
    now: expect.any(Number),
    uploads: {
      added: [],
      changed: [{ id: 'u1', bytes: 2, isFinishing: false, expectedBytes: null }],
      gone: [],
    },
  });
});
