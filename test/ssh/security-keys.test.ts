import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createUsersAuthenticator } from '../../src/auth/users-authenticator.ts';
import { parseUsersDocument } from '../../src/auth/users-document.ts';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { Authenticator } from '../../src/contract/auth.ts';
import { run } from '../support/processes.ts';
import {
  createSecurityKey,
  type SoftSecurityKey,
  startAgent,
  TOUCHED,
  VERIFIED,
} from '../support/security-key.ts';
import { USERNAME } from '../support/workspace.ts';
import { type InProcess, startInProcess } from './in-process.ts';

let folder: string;
let running: InProcess | undefined;
let agent: Awaited<ReturnType<typeof startAgent>> | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
});
afterEach(async () => {
  await running?.close();
  await agent?.close();
  await rm(folder, { recursive: true });
});

/** The real `sftp`, with an agent that has the key: its exit code, 0 for who is in and 255 for who is not. */
async function logIn(key: SoftSecurityKey, authenticator: Authenticator): Promise<number | null> {
  running = await startInProcess(createMemoryBackend(), { authenticator });
  agent = await startAgent(join(folder, 'agent'), [key]);
  const options = {
    IdentityAgent: join(folder, 'agent'),
    IdentityFile: 'none',
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: join(folder, 'known_hosts'),
    LogLevel: 'ERROR',
    BatchMode: 'yes',
  };
  const args = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const target = ['-P', String(running.port), '-b', '/dev/null', `${USERNAME}@127.0.0.1`];
  return (await run('sftp', ['-F', 'none', ...args, ...target])).code;
}

function usersWith(line: string): Authenticator {
  const users = [{ username: USERNAME, publicKeys: [line] }];
  return createUsersAuthenticator(parseUsersDocument(JSON.stringify({ users })));
}

describe.each(['ed25519', 'ecdsa'] as const)(
  "OpenSSH's client with a security key of the type %s",
  (type) => {
    let key: SoftSecurityKey;
    beforeEach(() => {
      key = createSecurityKey(type);
    });

    test('is in when it was touched', async () => {
      expect(await logIn(key, usersWith(key.line))).toBe(0);
    });

    test('is not when it was not', async () => {
      key.flags = 0;
      expect(await logIn(key, usersWith(key.line))).toBe(255);
    });

    test('is without a touch where none is required', async () => {
      key.flags = 0;
      expect(await logIn(key, usersWith(`no-touch-required ${key.line}`))).toBe(0);
    });

    test('is not without a PIN where one is required', async () => {
      expect(await logIn(key, usersWith(`verify-required ${key.line}`))).toBe(255);
    });

    test('is with a PIN where one is required', async () => {
      key.flags = TOUCHED | VERIFIED;
      expect(await logIn(key, usersWith(`verify-required ${key.line}`))).toBe(0);
    });

    test('is not with the signature of another key', async () => {
      const other = createSecurityKey(type);
      key.sign = (message) => other.sign(message);
      expect(await logIn(key, usersWith(key.line))).toBe(255);
    });

    test('is not with a signature of something else', async () => {
      const { sign } = key;
      key.sign = (message) => sign.call(key, Buffer.concat([message, Buffer.of(0)]));
      expect(await logIn(key, usersWith(key.line))).toBe(255);
    });

    test('is not with flags that were not signed', async () => {
      const { sign } = key;
      key.flags = 0;
      key.sign = (message) => {
        const signature = sign.call(key, message);
        signature[signature.length - 5] = TOUCHED;
        return signature;
      };
      expect(await logIn(key, usersWith(key.line))).toBe(255);
    });

    test('has to be touched for an authenticator that knows nothing of security keys', async () => {
      key.flags = 0;
      const everybody: Authenticator = { authenticate: async ({ username }) => ({ username, session: {} }) };
      expect(await logIn(key, everybody)).toBe(255);
    });
  },
);
