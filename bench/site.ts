import { mkdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from './cleanup.ts';
import { run, startServer } from './processes.ts';
import {
  CONTENTS_PATH,
  COUNTS_PATH,
  FORGET_PATH,
  MAKE_PATH,
  type SinkContents,
  type SinkCounts,
  type SinkOptions,
} from './sink/server.ts';

/** The built server. */
export const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** The bucket of every target that has one. */
export const BUCKET = 'bench-bucket';

const SINK = fileURLToPath(new URL('./sink.ts', import.meta.url));

/** What every target and client of one invocation shares. */
export interface Site {
  readonly cleanup: Cleanup;
  /** A private temporary folder. */
  readonly folder: string;
  readonly clientKey: KeyPair;
  /** The host key of every target that takes one, alone in its folder. */
  readonly hostKey: KeyPair & { readonly folder: string };
  readonly sink: Sink;
}

export interface KeyPair {
  readonly privateFile: string;
  readonly publicFile: string;
  /** The line of an authorized_keys file. */
  readonly publicKey: string;
}

/** The discarding S3, SQS and OTLP receiver, in a process of its own. */
export interface Sink {
  readonly pid: number;
  readonly url: string;
  counts(): Promise<SinkCounts>;
  contents(): Promise<SinkContents>;
  /** Requests so far, by operation of S3, and those that brought jobs to SQS. */
  requests(): Promise<Record<string, number>>;
  /** From now on the bucket has an object of that key and so many made-up bytes, which can be read. */
  make(key: string, bytes: number): Promise<void>;
  /** Lets go of what it knows of objects and jobs, so that it does not grow from run to run; the counts stay. */
  forget(): Promise<void>;
}

export async function openSite(cleanup: Cleanup, options: SinkOptions): Promise<Site> {
  const { path: folder } = await cleanup.folder(tmpdir());
  const hostKeys = join(folder, 'host-keys');
  await mkdir(hostKeys);
  return {
    cleanup,
    folder,
    clientKey: await makeKey(join(folder, 'client-key'), cleanup),
    hostKey: { folder: hostKeys, ...(await makeKey(join(hostKeys, 'ssh_host_ed25519_key'), cleanup)) },
    sink: await openSink(cleanup, options),
  };
}

async function makeKey(privateFile: string, cleanup: Cleanup): Promise<KeyPair> {
  const args = ['-q', '-t', 'ed25519', '-N', '', '-C', 'bench@localhost', '-f', privateFile];
  await run({ command: 'ssh-keygen', args }, cleanup);
  const publicFile = `${privateFile}.pub`;
  return { privateFile, publicFile, publicKey: (await readFile(publicFile, 'utf8')).trim() };
}

/** One more sink than the site's own, to receive telemetry and nothing else. */
export async function openSink(cleanup: Cleanup, { latencyMs, verify }: SinkOptions): Promise<Sink> {
  const flags = ['--latency', String(latencyMs), ...(verify ? ['--verify'] : [])];
  const { pid, ready } = await startServer(
    {
      command: process.execPath,
      args: ['--import', 'tsx', SINK, ...flags],
      ready: (line) => (line.includes('"listening"') ? (JSON.parse(line) as { port: number }) : undefined),
    },
    cleanup,
  );
  const url = `http://127.0.0.1:${ready.port}`;
  const read = async (path: string) => (await fetch(url + path)).json();
  const order = async (path: string) => void (await (await fetch(url + path)).arrayBuffer());
  const counts = async () => (await read(COUNTS_PATH)) as SinkCounts;
  return {
    pid,
    url,
    counts,
    requests: async () => {
      const { requests, jobRequests } = await counts();
      return { ...requests, SQS: jobRequests };
    },
    contents: async () => (await read(CONTENTS_PATH)) as SinkContents,
    make: (key, bytes) => order(`${MAKE_PATH}?path=${encodeURIComponent(`${BUCKET}/${key}`)}&bytes=${bytes}`),
    forget: () => order(FORGET_PATH),
  };
}
