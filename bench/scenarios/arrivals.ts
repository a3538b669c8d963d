import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCrc32 } from '../../test/support/strict-s3/checksums.ts';
import type { SinkContents } from '../sink/server.ts';
import type { Listed } from '../sink/store.ts';

/** A file that a client put, and how it ended for the client. */
export interface Sent {
  readonly name: string;
  readonly size: number;
  readonly crc32: number;
  readonly failure?: string | undefined;
}

/** Time that a server has to abort and delete what it no longer needs, after the last client has its answer. */
const TIDY_MS = 10_000;

/**
 * What is wrong with what arrived, one sentence for each fault: a fast server that loses bytes is no fast server. An
 * upload that was answered with OK is one right object and as many jobs as there are for each, one unless something else is
 * said; any other is neither.
 */
export function faultsOf(
  sent: readonly Sent[],
  { objects, jobs, openUploads }: SinkContents,
  jobsOfEach = 1,
): string[] {
  const faults: string[] = [];
  const known = new Set<string>();
  const objectOf = new Map(objects.map((object) => [object.key, object]));
  const jobsOf = new Map<string, Listed[]>();
  for (const job of jobs) jobsOf.set(job.key, [...(jobsOf.get(job.key) ?? []), job]);
  for (const { name, size, crc32, failure } of sent) {
    known.add(name);
    const object = objectOf.get(name);
    const itsJobs = jobsOf.get(name) ?? [];
    if (failure !== undefined) {
      if (object !== undefined) faults.push(`${name}: an object, though the upload failed: ${failure}`);
      if (itsJobs.length > 0) faults.push(`${name}: a job, though the upload failed: ${failure}`);
      continue;
    }
    const expected: Listed = { key: name, size, crc32: encodeCrc32(crc32) };
    if (object === undefined) faults.push(`${name}: no object`);
    else if (!isSame(object, expected)) faults.push(`${name}: ${told(object)}, not ${told(expected)}`);
    if (itsJobs.length !== jobsOfEach) faults.push(`${name}: ${itsJobs.length} jobs`);
    for (const job of itsJobs) {
      if (!isSame(job, expected)) faults.push(`${name}: a job of ${told(job)}, not ${told(expected)}`);
    }
  }
  for (const { key } of objects.filter(isFile)) if (!known.has(key)) faults.push(`${key}: nobody put it`);
  if (openUploads > 0) faults.push(`${openUploads} multipart uploads neither completed nor aborted`);
  return faults;
}

/** The faults, once there are none or the server has had time to tidy up. */
export async function lastingFaults(
  sent: readonly Sent[],
  contents: () => Promise<SinkContents>,
  jobsOfEach = 1,
): Promise<string[]> {
  const deadline = performance.now() + TIDY_MS;
  for (;;) {
    const faults = faultsOf(sent, await contents(), jobsOfEach);
    if (faults.length === 0 || performance.now() > deadline) return faults;
    await sleep(250);
  }
}

/** Not the mark of a folder: Sluice's or, with a slash at its end, anyone else's. */
const isFile = ({ key, size }: Listed) => size > 0 || !(key.endsWith('/') || key.endsWith('/.keep'));

function isSame(a: Listed, b: Listed): boolean {
  return a.key === b.key && a.size === b.size && a.crc32 === b.crc32;
}

function told({ size, crc32 }: Listed): string {
  return `${size} bytes with the CRC32 ${crc32 ?? '(unknown)'}`;
}
