import { describe, expect, test } from 'vitest';
import { InFlight } from '../../../src/backends/s3/in-flight.ts';
import { type Deferred, deferred, isSettled, turn } from '../../support/sftp-driver.ts';

const MiB = 1024 * 1024;

/** What is under way, and tasks whose ends are in hand. */
function create() {
  const inFlight = new InFlight();
  const add = (holding?: Parameters<InFlight['add']>[1]): Deferred<void> => {
    const task = deferred();
    inFlight.add(task.promise, holding);
    return task;
  };
  return { inFlight, add };
}

describe('InFlight', () => {
  test('has room for anything while nothing is under way', () => {
    expect(create().inFlight.roomFor(1024 * MiB)).toBeUndefined();
  });

  test('has room for a unit beside another, and for more as soon as one task has settled', async () => {
    const { inFlight, add } = create();
    const first = add({ bytes: 8 * MiB });
    expect(inFlight.roomFor(8 * MiB)).toBeUndefined();
    add({ bytes: 8 * MiB });
    const room = inFlight.roomFor(8 * MiB);
    expect(await isSettled(room)).toBe(false);
    first.resolve();
    await room;
    expect(inFlight.roomFor(8 * MiB)).toBeUndefined();
  });

  test('has room for 16 tasks, however small', async () => {
    const { inFlight, add } = create();
    const tasks = Array.from({ length: 15 }, () => add());
    expect(inFlight.roomFor(0)).toBeUndefined();
    add();
    const room = inFlight.roomFor(0);
    expect(await isSettled(room)).toBe(false);
    tasks[7]?.resolve();
    await room;
    expect(inFlight.roomFor(0)).toBeUndefined();
  });

  test('tells of a unit whether something of it is under way, the latest if there are several', async () => {
    const { inFlight, add } = create();
    expect(inFlight.unit(3)).toBeUndefined();
    const [earlier, later] = [add({ unit: 3 }), add({ unit: 3 })];
    add({ unit: 4 });
    const settled = inFlight.unit(3);
    earlier.resolve();
    expect(await isSettled(settled)).toBe(false);
    expect(inFlight.unit(3)).toBe(settled);
    later.resolve();
    await settled;
    expect(inFlight.unit(3)).toBeUndefined();
    expect(inFlight.unit(4)).toBeDefined();
  });

  test('has settled when nothing is under way, what was added meanwhile included', async () => {
    const { inFlight, add } = create();
    await inFlight.settled();
    const first = add({ bytes: MiB });
    const settled = inFlight.settled();
    const second = add({ unit: 0 });
    first.resolve();
    expect(await isSettled(settled)).toBe(false);
    second.resolve();
    await settled;
    await turn();
    expect([inFlight.unit(0), inFlight.roomFor(1024 * MiB)]).toEqual([undefined, undefined]);
  });
});
