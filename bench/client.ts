import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './processes.ts';
import type { Site } from './site.ts';
import type { RunningTarget } from './targets/target.ts';

/** No `-c`: whatever client and server agree on, chacha20-poly1305 for OpenSSH as it comes. */
export const DEFAULT_CIPHER = 'default';

export interface PutOptions {
  readonly cipher: string;
  readonly localFile: string;
  readonly name: string;
}

/** One `put` by the real OpenSSH client, from connecting to its exit; rejects unless it reports success. */
export async function sftpPut(site: Site, target: RunningTarget, options: PutOptions): Promise<void> {
  const { cipher, localFile, name } = options;
  await sftpBatch(site, target, { cipher, command: `put "${localFile}" "${target.remotePath(name)}"` });
}

export interface BatchOptions {
  readonly cipher: string;
  /** One line of a batch. */
  readonly command: string;
  /** Told every line of its output. */
  readonly onLine?: (line: string) => void;
}

/** Connects, does one thing, and leaves; rejects unless that went well. */
export async function sftpBatch(site: Site, target: RunningTarget, options: BatchOptions): Promise<void> {
  const { cipher, command, onLine } = options;
  const batchFile = join(site.folder, `batch-${randomUUID()}`);
  await writeFile(batchFile, `${command}\n`);
  const settings = [
    `Port=${target.port}`,
    `IdentityFile=${site.clientKey.privateFile}`,
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'GlobalKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
  ];
  await run(
    {
      command: 'sftp',
      args: [
        ...['-F', 'none', '-b', batchFile],
        ...(cipher === DEFAULT_CIPHER ? [] : ['-c', cipher]),
        ...settings.flatMap((setting) => ['-o', setting]),
        `${target.username}@127.0.0.1`,
      ],
      ...(onLine === undefined ? {} : { onLine }),
    },
    site.cleanup,
  );
}
