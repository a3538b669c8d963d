import { describe, expect, test } from 'vitest';
import { Pipe } from '../../../src/backends/s3/pipe.ts';

const MiB = 1024 * 1024;
const UNIT = 8 * MiB;

/** A store that answers after `latencyMs`, and takes so much a second of all that is sent at once. */
interface Store {
  readonly latencyMs: number;
  readonly bytesPerSecond: number;
}

/** How many units are on their way at each answer, when as many are sent as there is room for. */
function send(
  pipe: Pipe,
  clock: { now: number },
  { latencyMs, bytesPerSecond }: Store,
  units: number,
): number[] {
  const answers: { readonly at: number; readonly delivered: () => void }[] = [];
  const seen: number[] = [];
  let freeAt = clock.now;
  for (let sent = 0; sent < units; ) {
    if (pipe.hasRoom(answers.length * UNIT, UNIT)) {
      freeAt = Math.max(freeAt, clock.now) + (UNIT / bytesPerSecond) * 1000;
      answers.push({ at: freeAt + latencyMs, delivered: pipe.send(UNIT) });
      sent += 1;
      continue;
    }
    seen.push(answers.length);
    const next = answers.shift();
    clock.now = Math.max(clock.now, next?.at ?? 0);
    next?.delivered();
  }
  return seen;
}

const FAR: Store = { latencyMs: 100, bytesPerSecond: 1024 * MiB };
const NEAR: Store = { latencyMs: 1, bytesPerSecond: 400 * MiB };

function create() {
  const clock = { now: 0 };
  return { clock, pipe: new Pipe(() => clock.now) };
}

describe('what is worth sending at once', () => {
  test('is two units before anything is known, however large', () => {
    const { pipe } = create();
    for (const bytes of [UNIT, 64 * MiB]) {
      expect(pipe.hasRoom(bytes, bytes)).toBe(true);
      expect(pipe.hasRoom(bytes + 1, bytes)).toBe(false);
    }
  });

  test('is 32 MiB where an answer takes 100 ms and the line carries it', () => {
    const { pipe, clock } = create();
    const seen = send(pipe, clock, FAR, 60);
    expect(seen.slice(20).every((units) => units === 4)).toBe(true);
  });

  test('is two where more would only wait: the store is near, and as fast as it is', () => {
    const { pipe, clock } = create();
    const seen = send(pipe, clock, NEAR, 1000);
    expect(clock.now).toBeGreaterThan(15_000);
    expect(Math.max(...seen)).toBe(2);
  });

  test('follows the store, to both sides', () => {
    const { pipe, clock } = create();
    const last = (store: Store) => Math.max(...send(pipe, clock, store, 1200).slice(-12));
    expect([last(FAR), last(NEAR), last(FAR)]).toEqual([4, 2, 4]);
  });

  test('is not learned of a client that is slower than the store', () => {
    const { pipe, clock } = create();
    for (let unit = 0; unit < 100; unit++) {
      expect(pipe.hasRoom(0, UNIT)).toBe(true);
      const delivered = pipe.send(UNIT);
      clock.now += 20;
      delivered();
      clock.now += 480;
    }
    expect(pipe.hasRoom(2 * UNIT, UNIT)).toBe(false);
  });
});
