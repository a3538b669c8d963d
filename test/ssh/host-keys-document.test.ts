import { generateKeyPairSync } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadHostKeys } from '../../src/ssh/host-keys.ts';
import { parseHostKeysDocument } from '../../src/ssh/host-keys-document.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';

const VARIABLE = 'SLUICE_HOST_KEYS_SECRET';

let workspace: Workspace;
/** Every file of a folder of host keys, by name. */
let files: Record<string, string>;

beforeAll(async () => {
  workspace = await createWorkspace();
  const folder = workspace.hostKeysDir;
  const entries = (await readdir(folder)).map(
    async (name) => [name, await readFile(join(folder, name), 'utf8')] as const,
  );
  files = Object.fromEntries(await Promise.all(entries));
});
afterAll(() => workspace.remove());

/** What it says of a document that cannot be used, one sentence each. */
function faultsOf(document: unknown): string[] {
  try {
    parseHostKeysDocument(typeof document === 'string' ? document : JSON.stringify(document), VARIABLE);
  } catch (error) {
    const errors: readonly Error[] = error instanceof AggregateError ? error.errors : [error as Error];
    return errors.map(({ message }) => message);
  }
  return [];
}

test('the files of a folder by their names are the same host keys as the folder', async () => {
  const keys = parseHostKeysDocument(JSON.stringify(files), VARIABLE);
  const inFolder = await loadHostKeys(workspace.hostKeysDir);
  const publicLines = (each: typeof inFolder) => each.map(({ publicLine }) => publicLine).sort();
  expect(publicLines(keys)).toEqual(publicLines(inFolder));
  expect(keys).toHaveLength(3);
});

test('a key may be PEM too', () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  expect(parseHostKeysDocument(JSON.stringify({ rsa: privateKey }), VARIABLE)).toMatchObject([
    { type: 'ssh-rsa' },
  ]);
});

describe('a document that cannot be used', () => {
  test('says of every key what is wrong with it', () => {
    const document = {
      ...files,
      first: 'not a key',
      second: files['ssh_host_rsa_key.pub'],
      third: 7,
    };
    expect(faultsOf(document)).toEqual([
      expect.stringMatching(/^SLUICE_HOST_KEYS_SECRET: "first" is not a usable private key: /),
      'SLUICE_HOST_KEYS_SECRET: "second" holds a public key; the private one is needed',
      'SLUICE_HOST_KEYS_SECRET: "third" must be the text of a private key',
    ]);
  });

  test.each([
    ['{', 'SLUICE_HOST_KEYS_SECRET: it is not JSON (line 1, column 2)'],
    ['{}', 'SLUICE_HOST_KEYS_SECRET: there is no host key in it'],
    ['{"a.pub":"x"}', 'SLUICE_HOST_KEYS_SECRET: there is no host key in it'],
    ...['[]', 'null', '"key"', '1'].map((text) => [
      text,
      'SLUICE_HOST_KEYS_SECRET: must be a JSON object of private keys by name: {"ssh_host_ed25519_key": "..."}',
    ]),
  ])('is told by its variable: %s', (text = '', fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });

  test('shows nothing of a key', () => {
    const key = files['ssh_host_ed25519_key'] ?? '';
    const broken = [
      key,
      `{"a": ${key}}`,
      { a: key.replaceAll('\n', ' ') },
      { a: key.slice(0, 200) },
      { a: key.slice(50) },
      { a: key.replace('AAA', 'BBB') },
    ];
    const lines = key.split('\n').filter((line) => line.length > 40 && !line.startsWith('-'));
    for (const document of broken) {
      const faults = faultsOf(document);
      expect(faults).toHaveLength(1);
      const shown = lines.flatMap((line) => [line.slice(0, 8), line.slice(-8)]);
      expect(shown.filter((piece) => faults.join().includes(piece))).toEqual([]);
    }
  });
});
