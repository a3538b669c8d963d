import { expect, test } from 'vitest';
import type { Authenticator } from '../../src/contract/auth.ts';
import { answerAuthentication } from '../../src/ssh/authenticate.ts';
import { createTestContext } from '../../src/testing/index.ts';

test.each(['sha256', 'sha512'])(
  'whether an RSA key would do is answered with the algorithm asked for: %s',
  async (hashAlgo) => {
    const { principal, connection } = createTestContext();
    const events = {
      attempted: () => () => undefined,
      admit: () => undefined,
      takesSha1: false,
      guessed: () => 0,
      exhausted: () => undefined,
    };
    const answer = answerAuthentication({ authenticate: async () => principal }, connection, events);
    const attempt = {
      method: 'publickey',
      username: 'acme',
      hashAlgo,
      key: { algo: 'ssh-rsa', data: Buffer.alloc(0) },
      accept: () => undefined,
      reject: () => undefined,
    };
    await answer(attempt as never);
    expect(attempt.key.algo).toBe(hashAlgo === 'sha256' ? 'rsa-sha2-256' : 'rsa-sha2-512');
  },
);

/** A client that asks by keyboard-interactive, and what it hears. */
function askedByKeyboard() {
  let respond: (answers: unknown) => void = () => undefined;
  const heard: string[] = [];
  const attempt = {
    method: 'keyboard-interactive',
    username: 'acme',
    prompt: (_prompts: unknown, callback: (answers: unknown) => void) => {
      respond = callback;
    },
    accept: () => heard.push('accepted'),
    reject: () => heard.push('refused'),
  };
  return { attempt: attempt as never, heard, respond: (answers: unknown) => respond(answers) };
}

function startAnswering(authenticate: Authenticator['authenticate']) {
  const { connection } = createTestContext();
  let [guesses, exhausted] = [0, 0];
  const answer = answerAuthentication({ authenticate }, connection, {
    attempted: () => () => undefined,
    admit: () => undefined,
    takesSha1: false,
    guessed: () => {
      guesses += 1;
      return 0;
    },
    exhausted: () => {
      exhausted += 1;
    },
  });
  return { answer, guesses: () => guesses, exhausted: () => exhausted };
}

test('who gives up keyboard-interactive for another request has guessed nothing, and nobody is asked', async () => {
  const asked: string[] = [];
  const { answer, guesses, exhausted } = startAnswering(async (credentials) => {
    asked.push(credentials.method === 'password' ? credentials.password : '');
    return undefined;
  });
  const [first, second] = [askedByKeyboard(), askedByKeyboard()];
  const givenUp = answer(first.attempt);
  // As ssh2 tells it when the next request has come.
  first.respond(new Error('Authentication request aborted'));
  const answered = answer(second.attempt);
  second.respond(['a password']);
  await Promise.all([givenUp, answered]);
  expect(asked).toEqual(['a password']);
  expect([guesses(), exhausted()]).toEqual([1, 0]);
  expect(second.heard).toEqual(['refused']);
});

test('who does not wait for the answer to a password before the next one is sent away', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  let asked = 0;
  const { answer, exhausted } = startAnswering(async () => {
    asked += 1;
    return await held;
  });
  const clients = Array.from({ length: 5 }, askedByKeyboard);
  const answered = clients.map(({ attempt }) => answer(attempt));
  for (const { respond } of clients) respond(['a guess']);
  await Promise.all(answered.slice(1));
  expect([asked, exhausted()]).toEqual([1, 4]);
  release();
  await answered[0];
});

test('who asks for one key after the other, all of them right, is sent away after a hundred questions', async () => {
  const { principal } = createTestContext();
  const { answer, guesses, exhausted } = startAnswering(async () => principal);
  let offered = 0;
  const question = () => ({
    method: 'publickey',
    username: 'acme',
    key: { algo: 'ssh-ed25519', data: Buffer.alloc(0) },
    accept: () => {
      offered += 1;
    },
    reject: () => undefined,
  });
  for (let count = 0; count < 101; count++) await answer(question() as never);
  expect([offered, guesses(), exhausted()]).toEqual([100, 0, 1]);
});
