import { beforeEach, describe, expect, test } from 'vitest';
import { Door, type Refusal, type Visit } from '../../src/ssh/door.ts';
import { SourcePenalties } from '../../src/ssh/source-penalties.ts';

const EXEMPT = '10.0.0.1';

let now: number;
let door: Door;
let ended: string[];

beforeEach(() => {
  now = 1_000_000;
  ended = [];
  door = new Door({
    maxSessions: 4,
    maxStartupsPerSource: 2,
    isExempt: (address) => address === EXEMPT,
    penalties: new SourcePenalties({ now: () => now }),
    now: () => now,
  });
});

/** A connection that was accepted, whatever becomes of it; as a server does, what is ended is gone. */
function knock(name: string): Visit {
  const visit = door.knock(() => {
    ended.push(name);
    (visit as Visit).ended(false);
  });
  if (typeof visit === 'string') throw new Error(visit);
  return visit;
}

function enter(name: string, address = name): { visit: Visit; refusal: Refusal | undefined } {
  const visit = knock(name);
  const refusal = visit.from(address);
  if (refusal !== undefined) visit.ended(false);
  return { visit, refusal };
}

/** Somebody who has begun to log in. */
function speak(name: string, address = name): Visit {
  const { visit } = enter(name, address);
  visit.identified();
  return visit;
}

function fail(address: string, times: number): void {
  const visit = speak(address);
  for (let count = 0; count < times; count++) visit.guessed();
  visit.ended(false);
}

describe('when every place is taken', () => {
  test('the oldest that says nothing gives way', () => {
    speak('192.0.2.1');
    enter('192.0.2.2');
    enter('192.0.2.3');
    enter('192.0.2.4');
    expect(enter('192.0.2.5').refusal).toBeUndefined();
    expect(ended).toEqual(['192.0.2.2']);
  });

  test('one whose client is not known yet counts as one that says nothing', () => {
    knock('unknown');
    for (const last of [1, 2, 3]) speak(`192.0.2.${last}`);
    enter('192.0.2.5');
    expect(ended).toEqual(['unknown']);
  });

  test('where all are logging in, who came is refused, until one has been at it for ten seconds', () => {
    for (const last of [1, 2, 3, 4]) speak(`192.0.2.${last}`);
    expect(door.knock(() => undefined)).toBe('connection refused: too many');
    now += 10_000;
    enter('192.0.2.5');
    expect(ended).toEqual(['192.0.2.1']);
  });

  test('who has logged in is never ended', () => {
    for (const last of [1, 2, 3, 4]) speak(`192.0.2.${last}`).loggedIn();
    now += 60_000;
    expect(door.knock(() => undefined)).toBe('connection refused: too many');
    expect(ended).toEqual([]);
  });

  test('who has gone has left a place', () => {
    const visits = [1, 2, 3, 4].map((last) => speak(`192.0.2.${last}`));
    visits[0]?.loggedIn();
    visits[0]?.ended(false);
    visits[0]?.ended(false);
    enter('192.0.2.5');
    expect(ended).toEqual([]);
    enter('192.0.2.6');
    expect(ended).toEqual(['192.0.2.5']);
  });
});

describe('connections of one address', () => {
  test('that have not logged in are limited, by the network of an IPv6 address', () => {
    speak('a', '2001:db8::1');
    speak('b', '2001:db8::2');
    expect(enter('c', '2001:db8::3').refusal).toBe(
      'connection refused: too many from this address that have not logged in',
    );
    expect(enter('d', '2001:db8:0:1::3').refusal).toBeUndefined();
  });

  test('give way to each other, and nobody else to them', () => {
    enter('other', '192.0.2.9');
    enter('a', '192.0.2.1');
    enter('b', '192.0.2.1');
    expect(enter('c', '192.0.2.1').refusal).toBeUndefined();
    expect(ended).toEqual(['a']);
  });

  test('that have logged in do not count', () => {
    speak('a', '192.0.2.1').loggedIn();
    speak('b', '192.0.2.1').loggedIn();
    expect(enter('c', '192.0.2.1').refusal).toBeUndefined();
  });
});

describe('who fails to log in', () => {
  test('ends nobody by coming again, where whose connection it is need not be asked', () => {
    fail('192.0.2.1', 4);
    for (const last of [2, 3, 4, 5]) enter(`192.0.2.${last}`);
    const outside = 'connection refused: too many failed logins from this address';
    expect(door.knock(() => undefined, '192.0.2.1')).toBe(outside);
    expect(ended).toEqual([]);
    expect(typeof door.knock(() => undefined, '192.0.2.6')).toBe('object');
    expect(ended).toEqual(['192.0.2.2']);
  });

  test('is not kept outside for longer because they come again', () => {
    fail('192.0.2.1', 4);
    for (let count = 0; count < 50; count++) enter('192.0.2.1');
    now += 5_001;
    expect(enter('192.0.2.1').refusal).toBeUndefined();
  });

  test('is told later each time, and stays outside at last, while others come in', () => {
    const visit = speak('192.0.2.1');
    expect([visit.guessed(), visit.guessed()]).toEqual([250, 500]);
    visit.ended(false);
    expect(enter('192.0.2.1').refusal).toBeUndefined();
    fail('192.0.2.1', 2);
    expect(enter('192.0.2.1').refusal).toBe('connection refused: too many failed logins from this address');
    expect(enter('192.0.2.2').refusal).toBeUndefined();
  });

  test('may come in again when the time is over', () => {
    fail('192.0.2.1', 4);
    now += 5_001;
    expect(enter('192.0.2.1').refusal).toBeUndefined();
  });

  test('is forgiven what was wrong before the right one, on the same connection', () => {
    const visit = speak('192.0.2.1');
    for (let count = 0; count < 9; count++) visit.guessed();
    visit.loggedIn();
    visit.ended(false);
    expect(enter('192.0.2.1').refusal).toBeUndefined();
  });

  test('is not punished where the address is exempt', () => {
    fail(EXEMPT, 10);
    expect(enter('again', EXEMPT).refusal).toBeUndefined();
    expect(speak('more', EXEMPT).guessed()).toBe(0);
  });

  test('who lets the time for it pass again and again stays outside', () => {
    for (const _ of [1, 2]) enter('192.0.2.1').visit.ended(true);
    expect(enter('192.0.2.1').refusal).toBe('connection refused: too many failed logins from this address');
  });
});
