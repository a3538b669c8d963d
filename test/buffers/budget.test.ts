import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import { isSettled, turn } from '../support/sftp-driver.ts';

const forever = () => new AbortController().signal;

/** Reserves, and notes in `order` when it was granted or refused. */
function reserve(budget: MemoryBudget, bytes: number, name: string, order: string[], signal = forever()) {
  const reserved = budget.reserve(bytes, signal);
  if (reserved === undefined) order.push(name);
  else
    reserved.then(
      () => order.push(name),
      () => order.push(`${name} refused`),
    );
}

describe('MemoryBudget', () => {
  test('grants at once, without a promise, as long as there is room', () => {
    const budget = new MemoryBudget(100);
    expect(budget.reserve(60, forever())).toBeUndefined();
    expect(budget.reserve(40, forever())).toBeUndefined();
    expect(budget.usedBytes).toBe(100);
    expect(budget.reserve(1, forever())).toBeInstanceOf(Promise);
    expect(budget.usedBytes).toBe(100);
  });

  test('whoever waits is granted as soon as enough is released', async () => {
    const budget = new MemoryBudget(100);
    budget.reserve(100, forever());
    const waiting = budget.reserve(50, forever());
    budget.release(40);
    expect(await isSettled(waiting)).toBe(false);
    expect(budget.usedBytes).toBe(60);
    budget.release(10);
    await waiting;
    expect(budget.usedBytes).toBe(100);
  });

  test('first come, first served: a small one does not pass a large one', async () => {
    const budget = new MemoryBudget(100);
    const order: string[] = [];
    reserve(budget, 90, 'a', order);
    reserve(budget, 80, 'b', order);
    reserve(budget, 5, 'c', order);
    reserve(budget, 90, 'd', order);
    await turn();
    expect(order).toEqual(['a']);
    budget.release(90);
    await turn();
    expect(order).toEqual(['a', 'b', 'c']);
    budget.release(85);
    await turn();
    expect(order).toEqual(['a', 'b', 'c', 'd']);
    expect(budget.usedBytes).toBe(90);
  });

  test('more than the whole is granted once nothing else is reserved, and alone', async () => {
    const budget = new MemoryBudget(100);
    const order: string[] = [];
    expect(budget.reserve(10, forever())).toBeUndefined();
    reserve(budget, 500, 'large', order);
    reserve(budget, 1, 'small', order);
    await turn();
    expect(order).toEqual([]);
    budget.release(10);
    await turn();
    expect(order).toEqual(['large']);
    expect(budget.usedBytes).toBe(500);
    budget.release(500);
    await turn();
    expect(order).toEqual(['large', 'small']);
  });

  test('an abort while waiting rejects with its reason and reserves nothing', async () => {
    const budget = new MemoryBudget(100);
    budget.reserve(100, forever());
    const abort = new AbortController();
    const waiting = budget.reserve(50, abort.signal);
    const reason = new Error('gone');
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    budget.release(100);
    expect(budget.usedBytes).toBe(0);
  });

  test('an abort of the first in line lets those behind it in', async () => {
    const budget = new MemoryBudget(100);
    const order: string[] = [];
    const abort = new AbortController();
    reserve(budget, 60, 'a', order);
    reserve(budget, 50, 'b', order, abort.signal);
    reserve(budget, 40, 'c', order);
    reserve(budget, 1, 'd', order);
    abort.abort();
    await turn();
    expect(order.sort()).toEqual(['a', 'b refused', 'c']);
    expect(budget.usedBytes).toBe(100);
  });

  test('an abort after the grant changes nothing', async () => {
    const budget = new MemoryBudget(100);
    budget.reserve(100, forever());
    const abort = new AbortController();
    const waiting = budget.reserve(50, abort.signal);
    const next = budget.reserve(60, forever());
    budget.release(100);
    abort.abort();
    await waiting;
    expect(budget.usedBytes).toBe(50);
    expect(await isSettled(next)).toBe(false);
  });

  test('whoever is aborted already is refused if it would have to wait', async () => {
    const budget = new MemoryBudget(100);
    budget.reserve(100, forever());
    await expect(budget.reserve(1, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    const next = budget.reserve(50, forever());
    budget.release(100);
    await next;
  });

  test('asks the buffer that has been idle longest to move out while somebody waits, and no busy one', async () => {
    vi.useFakeTimers();
    const budget = new MemoryBudget(100, { reliefMs: 10, idleMs: 1000 });
    const moved: string[] = [];
    const hold = (name: string, lastUse: number) =>
      budget.addHolder({ lastUse, isQueued: false, moveOut: () => void moved.push(name) });
    const now = performance.now();
    hold('idle', now - 5000);
    hold('idlest', now - 9000);
    hold('busy', now + 5000);
    hold('gone', now - 10_000)();
    budget.reserve(100, forever());
    await vi.advanceTimersByTimeAsync(100);
    expect(moved).toEqual([]);
    const waiting = budget.reserve(10, forever());
    await vi.advanceTimersByTimeAsync(10);
    expect(moved).toEqual(['idlest']);
    await vi.advanceTimersByTimeAsync(500);
    expect(moved).toEqual(['idlest', 'idle']);
    budget.release(100);
    await waiting;
    vi.useRealTimers();
  });

  test('asks the buffer of an upload that waits itself only once nothing has come back for a while', async () => {
    vi.useFakeTimers();
    const budget = new MemoryBudget(100, { reliefMs: 10, idleMs: 1000, stuckMs: 3000 });
    const moveOut = vi.fn();
    budget.addHolder({ lastUse: performance.now() - 9000, isQueued: true, moveOut });
    for (const bytes of [50, 50]) budget.reserve(bytes, forever());
    void budget.reserve(60, forever());
    await vi.advanceTimersByTimeAsync(2500);
    budget.release(50);
    await vi.advanceTimersByTimeAsync(2500);
    expect(moveOut).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(600);
    expect(moveOut).toHaveBeenCalledOnce();
    vi.useRealTimers();
  });

  test('who needs memory only shortly goes before those who will fill it, in order among themselves', async () => {
    const budget = new MemoryBudget(100);
    budget.reserve(100, forever());
    const order: string[] = [];
    const wait = (name: string, isShortly: boolean) =>
      void budget.reserve(100, forever(), { isShortly })?.then(() => {
        order.push(name);
        budget.release(100);
      });
    wait('fills', false);
    wait('sends', true);
    wait('sends too', true);
    budget.release(100);
    await vi.waitFor(() => expect(order).toHaveLength(3));
    expect(order).toEqual(['sends', 'sends too', 'fills']);
  });

  test('nobody is refused as long as a buffer is filled, however slowly', async () => {
    vi.useFakeTimers();
    const budget = new MemoryBudget(100, { patienceMs: 1000 });
    const holder = { lastUse: performance.now(), isQueued: false, moveOut: () => undefined };
    budget.addHolder(holder);
    budget.reserve(100, forever());
    const refused = vi.fn();
    budget.reserve(10, forever())?.catch(refused);
    for (let second = 0; second < 5; second++) {
      holder.lastUse = performance.now();
      await vi.advanceTimersByTimeAsync(900);
    }
    expect(refused).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2200);
    expect(refused).toHaveBeenCalledWith(expect.objectContaining({ code: 'EBUSY' }));
    vi.useRealTimers();
  });

  test('what is held without asking leaves less to reserve, but never less than a quarter', () => {
    const budget = new MemoryBudget(100);
    budget.charge(30);
    expect([budget.reservableBytes, budget.tryReserve(71), budget.tryReserve(20)]).toEqual([70, false, true]);
    budget.charge(60);
    expect([budget.reservableBytes, budget.tryReserve(6), budget.tryReserve(5)]).toEqual([25, false, true]);
  });

  test('what is held without asking counts for a while after it is gone', async () => {
    vi.useFakeTimers();
    const budget = new MemoryBudget(100, { lingerMs: 5000 });
    const endings = [budget.charge(30), budget.charge(30)];
    budget.reserve(40, forever());
    const granted = vi.fn();
    void budget.reserve(60, forever())?.then(granted);
    for (const end of endings) end();
    await vi.advanceTimersByTimeAsync(4999);
    expect(budget.reservableBytes).toBe(40);
    expect(granted).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(granted).toHaveBeenCalledOnce();
    expect(budget.usedBytes).toBe(100);
    vi.useRealTimers();
  });

  test('what is parked is there until somebody needs the memory, the oldest goes first', () => {
    const budget = new MemoryBudget(200);
    const dropped: string[] = [];
    const park = (name: string) => {
      budget.reserve(10, forever());
      return budget.park(10, () => void dropped.push(name));
    };
    const [first, second] = [park('first'), park('second')];
    expect([budget.usedBytes, budget.parkedBytes]).toEqual([0, 20]);
    expect(budget.tryReserve(185)).toBe(true);
    expect(dropped).toEqual(['first']);
    expect(first.take()).toBe(false);
    expect(second.take()).toBe(true);
    expect([budget.usedBytes, budget.parkedBytes]).toEqual([195, 0]);
    budget.release(195);
    for (const name of ['a', 'b', 'c']) park(name);
    expect(dropped).toEqual(['first', 'a']);
  });

  test('whatever is reserved, released and aborted, in the end everybody was served or refused, in order', async () => {
    const request = fc.record({ bytes: fc.integer({ min: 1, max: 150 }), aborts: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { maxLength: 30 }),
        fc.infiniteStream(fc.nat()),
        async (requests, dice) => {
          const budget = new MemoryBudget(100);
          const granted: number[] = [];
          const held: number[] = [];
          const settled = requests.map(({ bytes, aborts }, index) => {
            const abort = new AbortController();
            const onGrant = () => {
              granted.push(index);
              held.push(bytes);
            };
            const reserved = budget.reserve(bytes, abort.signal);
            if (reserved === undefined) onGrant();
            else if (aborts) abort.abort();
            return reserved?.then(onGrant, () => undefined);
          });
          for (let guard = 0; guard < 100; guard++) {
            await Promise.resolve();
            const sum = held.reduce((total, bytes) => total + bytes, 0);
            expect(budget.usedBytes).toBeGreaterThanOrEqual(sum);
            if (held.length > 1) expect(sum).toBeLessThanOrEqual(100);
            const [bytes] = held.splice((dice.next().value ?? 0) % Math.max(1, held.length), 1);
            if (bytes !== undefined) budget.release(bytes);
          }
          await Promise.all(settled);
          expect(budget.usedBytes).toBe(0);
          expect(granted).toEqual([...granted].sort((a, b) => a - b));
          const unwilling = requests.filter(({ aborts }) => !aborts).length;
          expect(granted.length).toBeGreaterThanOrEqual(unwilling);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('a budget of which nothing comes back', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A budget that is used up, with some who wait for it. */
  function exhausted(...names: readonly string[]) {
    const budget = new MemoryBudget(100, { patienceMs: 1000 });
    budget.reserve(100, forever());
    const order: string[] = [];
    for (const name of names) reserve(budget, 100, name, order);
    return { budget, order };
  }

  test('refuses the first in line when its patience is over, the next one later', async () => {
    const { budget, order } = exhausted('a', 'b');
    await vi.advanceTimersByTimeAsync(999);
    expect(order).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(order).toEqual(['a refused']);
    await vi.advanceTimersByTimeAsync(999);
    expect(order).toEqual(['a refused']);
    await vi.advanceTimersByTimeAsync(1);
    expect(order).toEqual(['a refused', 'b refused']);
    expect(budget.usedBytes).toBe(100);
    budget.release(100);
    expect(budget.reserve(100, forever())).toBeUndefined();
  });

  test('refuses with EBUSY', async () => {
    const budget = new MemoryBudget(100, { patienceMs: 1000 });
    budget.reserve(100, forever());
    const waiting = expect(budget.reserve(1, forever())).rejects.toMatchObject({ code: 'EBUSY' });
    await vi.advanceTimersByTimeAsync(1000);
    await waiting;
  });

  test('is patient for 30 seconds', async () => {
    const budget = new MemoryBudget(100);
    budget.reserve(100, forever());
    const order: string[] = [];
    reserve(budget, 1, 'a', order);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(order).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(order).toEqual(['a refused']);
  });

  test('has its patience anew whenever anything comes back', async () => {
    const { budget, order } = exhausted('a');
    for (let second = 0; second < 5; second++) {
      await vi.advanceTimersByTimeAsync(900);
      budget.release(1);
    }
    await vi.advanceTimersByTimeAsync(999);
    expect(order).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(order).toEqual(['a refused']);
  });

  test('lets in who fits when the one before it is refused', async () => {
    const budget = new MemoryBudget(100, { patienceMs: 1000 });
    budget.reserve(50, forever());
    const order: string[] = [];
    reserve(budget, 80, 'large', order);
    reserve(budget, 50, 'small', order);
    await vi.advanceTimersByTimeAsync(1000);
    expect(order.sort()).toEqual(['large refused', 'small']);
  });

  test('keeps no timer when nobody waits', async () => {
    const { budget } = exhausted('a');
    expect(vi.getTimerCount()).toBe(2);
    budget.release(100);
    expect(vi.getTimerCount()).toBe(0);
    budget.release(100);
    expect(vi.getTimerCount()).toBe(0);
  });
});
