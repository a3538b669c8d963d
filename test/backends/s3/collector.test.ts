import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Collector, SMALL_BYTES } from '../../../src/backends/s3/collector.ts';
import { InFlight } from '../../../src/backends/s3/in-flight.ts';
import { PartBuffer } from '../../../src/backends/s3/part-buffer.ts';
import { PartPlan } from '../../../src/backends/s3/part-plan.ts';
import type { SpooledPart } from '../../../src/backends/s3/spooled-part.ts';
import { type BudgetTimes, MemoryBudget } from '../../../src/buffers/budget.ts';
import { BufferPool } from '../../../src/buffers/buffer-pool.ts';
import { Spool } from '../../../src/buffers/spool.ts';
import { deferred, isSettled } from '../../support/sftp-driver.ts';

/** Of each unit: more than what the first begins with. */
const UNIT = 2 * SMALL_BYTES;
const plan = new PartPlan([{ parts: 100, partBytes: UNIT, unitBytes: UNIT }]);
const BYTES = Buffer.from('what was written before');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-collector-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A collector with memory for so many units, and a spool for so many; what it puts aside is let go and noted. */
function create(units: { readonly memory: number; readonly disk?: number }, times: BudgetTimes = {}) {
  const budget = new MemoryBudget(units.memory * UNIT, { reliefMs: 1, idleMs: 1, soonMs: 1, ...times });
  const spool = units.disk === undefined ? undefined : new Spool(folder, units.disk * UNIT);
  const aside: { readonly unit: number; readonly text: string }[] = [];
  const movedAside = deferred();
  const gone = new AbortController();
  const collector = new Collector({
    budget,
    pool: new BufferPool(budget),
    spool,
    inFlight: new InFlight(),
    signal: gone.signal,
    putAside: async (part) => {
      collector.remove(part);
      aside.push({ unit: part.unit.index, text: await textOf(part) });
      part.dispose();
      movedAside.resolve();
    },
  });
  /** As an upload does: asks again until the unit is open, then writes to it. */
  const fill = async (index: number) => {
    const unit = plan.unit(index);
    while (collector.get(index) === undefined) await collector.open(unit);
    await collector.get(index)?.write(unit.start, BYTES);
  };
  return { collector, budget, spool, aside, movedAside: movedAside.promise, gone, fill };
}

async function textOf(part: PartBuffer | SpooledPart | undefined): Promise<string> {
  const bytes = Buffer.alloc(BYTES.length);
  await part?.copyTo(bytes, part.unit.start);
  return bytes.toString();
}

const places = (collector: Collector) =>
  collector.all().map((part) => `${part.unit.index} ${part instanceof PartBuffer ? 'memory' : 'disk'}`);

describe('a unit is opened', () => {
  test('in memory while there is some, then on disk, then in place of the one that was longest unused', async () => {
    const { collector, budget, spool, aside, fill } = create({ memory: 2, disk: 1 });
    for (const index of [1, 2]) expect(collector.open(plan.unit(index))).toBeUndefined();
    for (const index of [1, 2, 3]) await fill(index);
    expect(places(collector)).toEqual(['1 memory', '2 memory', '3 disk']);
    expect([budget.usedBytes, spool?.usedBytes]).toEqual([2 * UNIT, UNIT]);
    await fill(1);
    await fill(4);
    expect(places(collector)).toEqual(['1 memory', '3 disk', '4 memory']);
    expect(aside).toEqual([{ unit: 2, text: BYTES.toString() }]);
    await collector.discard();
    expect([budget.usedBytes, spool?.usedBytes]).toEqual([0, 0]);
  });

  test('without a spool in place of another one of the same upload', async () => {
    const { collector, aside, fill } = create({ memory: 1 });
    for (const index of [1, 2, 3]) await fill(index);
    expect(places(collector)).toEqual(['3 memory']);
    expect(aside.map(({ unit }) => unit)).toEqual([1, 2]);
    await collector.discard();
  });

  test('when memory comes back, if the upload has nothing that it could put aside', async () => {
    const { collector, budget, aside, fill } = create({ memory: 1 });
    expect(budget.tryReserve(UNIT)).toBe(true);
    const filled = fill(1);
    await budget.reserveSoon(UNIT, new AbortController().signal);
    expect(await isSettled(filled)).toBe(false);
    budget.release(UNIT);
    await filled;
    expect(places(collector)).toEqual(['1 memory']);
    expect(aside).toEqual([]);
    await collector.discard();
  });

  test('not any more once the upload is gone, and its reservation is given back', async () => {
    const { collector, budget, gone } = create({ memory: 1 });
    expect(budget.tryReserve(UNIT)).toBe(true);
    const opening = collector.open(plan.unit(1));
    gone.abort(new Error('gone'));
    await expect(opening).rejects.toThrow('gone');
    budget.release(UNIT);
    expect(() => collector.open(plan.unit(1))).toThrow('gone');
    expect([collector.size, budget.usedBytes]).toEqual([0, 0]);
  });
});

describe('the first unit, which begins small', () => {
  test('is enlarged in memory while there is some', async () => {
    const { collector, budget, fill } = create({ memory: 2, disk: 1 });
    await fill(0);
    expect(budget.usedBytes).toBe(SMALL_BYTES);
    const part = collector.get(0) as PartBuffer;
    expect(collector.enlarge(part)).toBeUndefined();
    expect([part.length, budget.usedBytes]).toEqual([UNIT, UNIT]);
    expect(await textOf(part)).toBe(BYTES.toString());
    await collector.discard();
  });

  test('goes on on disk when there is none, and gives its memory back, by itself', async () => {
    const { collector, budget, fill } = create({ memory: 1, disk: 1 }, { idleMs: 60_000, patienceMs: 500 });
    await fill(0);
    await collector.enlarge(collector.get(0) as PartBuffer);
    expect(places(collector)).toEqual(['0 disk']);
    expect(budget.usedBytes).toBe(0);
    expect(await textOf(collector.get(0))).toBe(BYTES.toString());
    await collector.discard();
  });

  test('waits for memory when there is no room on disk either', async () => {
    const { collector, budget, fill } = create({ memory: 1, disk: 0 });
    await fill(0);
    expect(budget.tryReserve(SMALL_BYTES)).toBe(true);
    const part = collector.get(0) as PartBuffer;
    const enlarged = collector.enlarge(part);
    expect(await isSettled(enlarged)).toBe(false);
    await collector.drop(part);
    budget.release(SMALL_BYTES);
    await enlarged;
    expect(budget.usedBytes).toBe(0);
  });
});

describe('a unit that nobody writes to, when somebody else waits for memory', () => {
  const someoneElse = new AbortController().signal;

  test('is moved to disk', async () => {
    const { collector, budget, aside, fill } = create({ memory: 1, disk: 1 });
    await fill(1);
    await budget.reserve(UNIT, someoneElse);
    await collector.moving;
    expect(places(collector)).toEqual(['1 disk']);
    expect(await textOf(collector.get(1))).toBe(BYTES.toString());
    expect(aside).toEqual([]);
    await collector.discard();
  });

  test('is put aside when there is no room on disk', async () => {
    const { collector, budget, aside, movedAside, fill } = create({ memory: 1, disk: 0 });
    await fill(1);
    const waiting = budget.reserve(UNIT, someoneElse);
    await movedAside;
    await waiting;
    await collector.moving;
    expect(collector.size).toBe(0);
    expect(aside).toEqual([{ unit: 1, text: BYTES.toString() }]);
    expect(budget.usedBytes).toBe(UNIT);
  });

  test('stays where it is once the end of the upload has begun', async () => {
    const { collector, budget, aside, fill } = create({ memory: 1, disk: 1 });
    await fill(1);
    await collector.settle();
    await expect(budget.reserve(UNIT, AbortSignal.timeout(50))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(places(collector)).toEqual(['1 memory']);
    expect(aside).toEqual([]);
    await collector.discard();
  });

  test('comes back to memory with its bytes to be sent', async () => {
    const { collector, budget, spool, fill } = create({ memory: 1, disk: 1 });
    await fill(1);
    await budget.reserve(UNIT, someoneElse);
    await collector.moving;
    budget.release(UNIT);
    const part = await collector.inMemory(plan.unit(1));
    expect(await textOf(part)).toBe(BYTES.toString());
    expect([budget.usedBytes, spool?.usedBytes]).toEqual([UNIT, 0]);
    await collector.discard();
    expect(budget.usedBytes).toBe(0);
  });
});
