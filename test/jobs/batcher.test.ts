import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Batcher } from '../../src/jobs/batcher.ts';
import { type Deferred, deferred } from '../support/sftp-driver.ts';

let sent: string[][];
let answers: Deferred<readonly (Error | undefined)[]>[];
let batcher: Batcher<string>;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  answers = [];
  batcher = new Batcher<string>({
    maxItems: 3,
    maxBytes: 100,
    sizeOf: (item) => (item.startsWith('large') ? 60 : 1),
    send: (items) => {
      sent.push([...items]);
      const answer = deferred<readonly (Error | undefined)[]>();
      answers.push(answer);
      return answer.promise;
    },
  });
});
afterEach(() => vi.useRealTimers());

const add = (...items: readonly string[]) => items.map((item) => batcher.add(item));
describe('when things are sent', () => {
  test('one that comes alone goes at once, and so does the next after it', async () => {
    add('a', 'b');
    expect(sent).toEqual([['a'], ['b']]);
  });

  test('one waits for those that are expected, and goes with the last of them', async () => {
    const [first, second] = [batcher.expect(), batcher.expect()];
    add('a');
    first();
    add('b');
    expect(sent).toEqual([]);
    second();
    add('c');
    expect(sent).toEqual([['a', 'b', 'c']]);
  });

  test('when those that were expected do not come after all, it goes without them', async () => {
    const done = batcher.expect();
    add('a');
    done();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual([['a']]);
  });

  test('when they take too long, it goes without them', async () => {
    batcher.expect();
    add('a');
    await vi.advanceTimersByTimeAsync(20);
    add('b');
    await vi.advanceTimersByTimeAsync(4);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toEqual([['a', 'b']]);
  });

  test('a batch that is full goes at once', async () => {
    batcher.expect();
    add('a', 'b', 'c', 'd');
    expect(sent).toEqual([['a', 'b', 'c']]);
    await vi.advanceTimersByTimeAsync(25);
    expect(sent).toEqual([['a', 'b', 'c'], ['d']]);
  });

  test('a batch never has more bytes than fit', async () => {
    batcher.expect();
    add('large 1', 'a', 'large 2', 'b');
    expect(sent).toEqual([['large 1', 'a']]);
    await vi.advanceTimersByTimeAsync(25);
    expect(sent).toEqual([
      ['large 1', 'a'],
      ['large 2', 'b'],
    ]);
  });
});

describe('what becomes of them', () => {
  test('each is told of its own fate', async () => {
    batcher.expect();
    const all = Promise.allSettled(add('a', 'b', 'c'));
    const refused = new Error('too long');
    answers[0]?.resolve([undefined, refused, undefined]);
    expect(await all).toEqual([
      { status: 'fulfilled', value: undefined },
      { status: 'rejected', reason: refused },
      { status: 'fulfilled', value: undefined },
    ]);
  });

  test('when a whole batch fails, all of it does, and the next one is sent all the same', async () => {
    batcher.expect();
    const all = Promise.allSettled(add('a', 'b', 'c'));
    const down = new Error('down');
    answers[0]?.reject(down);
    expect((await all).map((result) => result.status === 'rejected' && result.reason)).toEqual([
      down,
      down,
      down,
    ]);
    add('d');
    await vi.advanceTimersByTimeAsync(25);
    expect(sent).toEqual([['a', 'b', 'c'], ['d']]);
  });

  test('settled: what still waits is sent, and everything has an answer', async () => {
    const first = add('a');
    batcher.expect();
    const second = add('b');
    const settled = vi.fn();
    void batcher.settled().then(settled);
    expect(sent).toEqual([['a'], ['b']]);
    answers[0]?.resolve([]);
    await first[0];
    expect(settled).not.toHaveBeenCalled();
    answers[1]?.resolve([]);
    await second[0];
    await vi.advanceTimersByTimeAsync(0);
    expect(settled).toHaveBeenCalledOnce();
  });
});
