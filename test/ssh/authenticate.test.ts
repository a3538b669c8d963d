import { expect, test } from 'vitest';
import { answerAuthentication } from '../../src/ssh/authenticate.ts';
import { createTestContext } from '../../src/testing/index.ts';

test.each(['sha256', 'sha512'])(
  'whether an RSA key would do is answered with the algorithm asked for: %s',
  async (hashAlgo) => {
    const { principal, connection } = createTestContext();
    const events = { attempted: () => () => undefined, guessed: () => 0, exhausted: () => undefined };
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
