import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Principal, PrincipalLimits } from '../../src/contract/context.ts';
import { UsersInside } from '../../src/limits/users-inside.ts';

const RATE = 1_000_000;

function principal(limits?: PrincipalLimits, username = 'acme'): Principal {
  return { username, session: {}, ...(limits === undefined ? {} : { limits }) };
}

const never = new AbortController().signal;

describe('how often somebody may be inside', () => {
  test('is as often as the server says, each user for themselves, and once more when one has gone', () => {
    const inside = new UsersInside({ maxSessionsPerUser: 2 });
    const leave = inside.enter(principal());
    expect(inside.enter(principal())).toBeDefined();
    expect(inside.enter(principal())).toBeUndefined();
    expect(inside.enter(principal(undefined, 'other'))).toBeDefined();
    leave?.();
    expect(inside.enter(principal())).toBeDefined();
    expect(inside.enter(principal())).toBeUndefined();
  });

  test('is as often as their own limit says, be it more or less', () => {
    const inside = new UsersInside({ maxSessionsPerUser: 2 });
    const enter = (sessions: number, username: string) => inside.enter(principal({ sessions }, username));
    expect(enter(1, 'less')).toBeDefined();
    expect(enter(1, 'less')).toBeUndefined();
    for (let count = 0; count < 3; count++) expect(enter(3, 'more')).toBeDefined();
    expect(enter(3, 'more')).toBeUndefined();
  });

  test('is any number of times for 0', () => {
    const inside = new UsersInside({ maxSessionsPerUser: 0 });
    for (let count = 0; count < 1000; count++) expect(inside.enter(principal())).toBeDefined();
  });
});

describe('the pace of somebody', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('is that of all their connections together, and of uploads and downloads each', () => {
    const inside = new UsersInside({ maxSessionsPerUser: 0 });
    inside.enter(principal({ bytesPerSecond: RATE }));
    inside.enter(principal({ bytesPerSecond: RATE }));
    const [one, other] = [inside.pacesOf(principal()), inside.pacesOf(principal())];
    expect(one?.uploads.take(RATE, never)).toBeUndefined();
    expect(other?.uploads.take(RATE, never)).toBeInstanceOf(Promise);
    expect(other?.downloads.take(RATE, never)).toBeUndefined();
  });

  test('is none without a limit, and that of the latest login otherwise', () => {
    const inside = new UsersInside({ maxSessionsPerUser: 0 });
    inside.enter(principal());
    expect(inside.pacesOf(principal())).toBeUndefined();
    inside.enter(principal({ bytesPerSecond: RATE }));
    expect(inside.pacesOf(principal())).toBeDefined();
    inside.enter(principal());
    expect(inside.pacesOf(principal())).toBeUndefined();
  });

  test('makes them wait as long as they are ahead, and no longer than their connection is there', async () => {
    const inside = new UsersInside({ maxSessionsPerUser: 0 });
    inside.enter(principal({ bytesPerSecond: RATE }));
    const pace = inside.pacesOf(principal())?.uploads;
    pace?.take(RATE, never);
    let due = false;
    void pace?.take(RATE, never)?.then(() => {
      due = true;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(due).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(due).toBe(true);

    const gone = new AbortController();
    const waiting = pace?.take(3600 * RATE, gone.signal);
    gone.abort();
    await expect(waiting).resolves.toBeUndefined();
    expect(pace?.take(1, gone.signal)).toBeUndefined();
  });

  test('is not had anew by going and coming back; who stays away for long enough is forgotten', async () => {
    const inside = new UsersInside({ maxSessionsPerUser: 0 });
    const limited = principal({ bytesPerSecond: RATE });
    const leave = inside.enter(limited);
    inside.pacesOf(limited)?.uploads.take(2 * RATE, never);
    leave?.();
    await vi.advanceTimersByTimeAsync(1500);
    const again = inside.enter(limited);
    expect(inside.pacesOf(limited)?.uploads.take(RATE, never)).toBeInstanceOf(Promise);
    again?.();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(inside.size).toBe(0);
  });

  test('and the count go on for who comes back before they are forgotten', async () => {
    const inside = new UsersInside({ maxSessionsPerUser: 1 });
    const limited = principal({ bytesPerSecond: RATE });
    const leave = inside.enter(limited);
    inside.pacesOf(limited)?.uploads.take(RATE, never);
    leave?.();
    inside.enter(limited);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(inside.enter(limited)).toBeUndefined();
    expect(inside.pacesOf(limited)).toBeDefined();
  });
});
