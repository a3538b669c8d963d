import { expect, test } from 'vitest';
import { Turns } from '../../src/auth/turns.ts';
import { deferred, turn } from '../support/sftp-driver.ts';

/** Checks that end when they are told to, and the order in which they began. */
class Checks {
  readonly begun: string[] = [];
  readonly #turns: Turns;
  readonly #ends: (() => void)[] = [];

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  ask(source: string, name = source): Promise<string> {
    return this.#turns.take(source, async () => {
      this.begun.push(name);
      const end = deferred();
      this.#ends.push(() => end.resolve());
      await end.promise;
      return name;
    });
  }

  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await turn();
  }

  async endAll(): Promise<void> {
    while (this.#ends.length > 0) await this.endOne();
  }
}

test('no more run at once than may', async () => {
  const checks = new Checks(new Turns(2));
  const all = ['a', 'b', 'c', 'd'].map((name) => checks.ask(name));
  await turn();
  expect(checks.begun).toEqual(['a', 'b']);
  await checks.endOne();
  expect(checks.begun).toEqual(['a', 'b', 'c']);
  await checks.endAll();
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
});

test('one that sends many waits for itself', async () => {
  const checks = new Checks(new Turns(1));
  const all = [0, 1, 2, 3].map((index) => checks.ask('crowd', `crowd ${index}`));
  all.push(checks.ask('one'), checks.ask('two'));
  await turn();
  await checks.endAll();
  expect(checks.begun).toEqual(['crowd 0', 'crowd 1', 'one', 'two', 'crowd 2', 'crowd 3']);
  await Promise.all(all);
});

test('every other turn is of one that was right before', async () => {
  const turns = new Turns(1);
  turns.trust('partner');
  const checks = new Checks(turns);
  const all = [0, 1, 2, 3, 4].map((index) => checks.ask(`new ${index}`));
  all.push(checks.ask('partner', 'partner 0'), checks.ask('partner', 'partner 1'));
  await turn();
  await checks.endAll();
  expect(checks.begun).toEqual(['new 0', 'partner 0', 'new 1', 'partner 1', 'new 2', 'new 3', 'new 4']);
  await Promise.all(all);
});

test('one that fails gives its turn on', async () => {
  const turns = new Turns(1);
  const failing = turns.take('a', async () => {
    await turn();
    throw new Error('thrown');
  });
  const next = turns.take('b', async () => 'b');
  await expect(failing).rejects.toThrow('thrown');
  expect(await next).toBe('b');
  expect(await turns.take('c', async () => 'c')).toBe('c');
});

test('who was right is forgotten when 10,000 others have been since', async () => {
  const turns = new Turns(1);
  turns.trust('partner');
  for (let index = 0; index < 10_000; index++) turns.trust(`other ${index}`);
  const checks = new Checks(turns);
  const all = [checks.ask('new'), checks.ask('partner'), checks.ask('other 7')];
  await turn();
  await checks.endAll();
  expect(checks.begun).toEqual(['new', 'other 7', 'partner']);
  await Promise.all(all);
});
