import { describe, expect, test } from 'vitest';
import { withCheckedAnswers } from '../../src/auth/checked-answers.ts';
import type { Credentials } from '../../src/contract/auth.ts';
import { createTestContext } from '../../src/testing/index.ts';

const { connection } = createTestContext();
const CREDENTIALS = { method: 'password', username: 'acme', password: 'secret' } as const;

function authenticate(answer: unknown) {
  const checked = withCheckedAnswers({ authenticate: async () => answer as never }, 'SLUICE_AUTH_MODULE');
  return checked.authenticate(CREDENTIALS, connection, new Set());
}

describe("the answer of somebody else's code", () => {
  test.each([
    ['no', undefined],
    ['more has to be shown', { next: ['password'] }],
    ['a principal', { username: 'acme', session: {} }],
    [
      'one with everything',
      {
        username: 'acme',
        session: { prefix: 'a/' },
        permissions: ['list'],
        folders: [{ path: '/in', target: '/inbox', session: { prefix: 'b/' }, permissions: ['write'] }],
        home: '/in',
      },
    ],
  ])('is %s', async (_, answer) => {
    expect(await authenticate(answer)).toEqual(answer);
  });

  test('is read once: what becomes of the object later changes nothing', async () => {
    const answer = { username: 'acme', session: {}, folders: [{ path: '/in' }] };
    const principal = await authenticate(answer);
    answer.folders.push({ path: '/' });
    expect(principal).toMatchObject({ folders: [{ path: '/in' }] });
  });

  test.each([
    ['nothing of a principal', { name: 'acme' }, 'username: '],
    ['null', null, 'it: '],
    ['a text', 'acme', 'it: '],
    ['a session of numbers', { username: 'acme', session: { prefix: 1 } }, 'session.prefix: '],
    [
      'a folder that leads out',
      { username: 'acme', session: {}, folders: [{ path: '/..' }] },
      'folders.0.path: must be',
    ],
    ['a home that is none', { username: 'acme', session: {}, home: 5 }, 'home: '],
  ])('that is %s is its fault, and says which field', async (_, answer, fault) => {
    const failure = await authenticate(answer).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).toContain(
      `SLUICE_AUTH_MODULE: must answer with { username, session } or undefined; ${fault}`,
    );
    expect(String(failure)).not.toContain('secret');
  });
});

test("who waives touches is asked of somebody else's code too, as the object that it is", () => {
  class Robots {
    readonly #names = new Set(['robot']);
    readonly authenticate = async () => undefined;
    waivesTouch({ username }: Credentials): boolean {
      return this.#names.has(username);
    }
  }
  const key = { algorithm: 'sk-ssh-ed25519@openssh.com', blob: new Uint8Array() };
  const signed = (username: string) => ({ method: 'publickey', username, key }) as const;
  const checked = withCheckedAnswers(new Robots(), 'auth');
  expect(checked.waivesTouch?.(signed('robot'), connection)).toBe(true);
  expect(checked.waivesTouch?.(signed('acme'), connection)).toBe(false);
  const silent = withCheckedAnswers({ authenticate: async () => undefined }, 'auth');
  expect(silent.waivesTouch?.(signed('robot'), connection)).toBe(false);
});
