import { expect } from 'vitest';
import { toBase64 } from '../../src/backends/s3/checksum.ts';
import type { Surroundings } from './service.ts';

export interface ExpectedJob {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly crc32: number;
}

/**
 * Of the paths that begin with `below` there are these jobs and no other. `marker` has been uploaded after them: once its job
 * is there, theirs are.
 */
export async function expectJobs(
  around: Surroundings,
  marker: string,
  { below, jobs }: { readonly below: string; readonly jobs: readonly ExpectedJob[] },
): Promise<void> {
  await around.job(marker);
  const found = around.jobs.filter(({ data }) => data.path.startsWith(below));
  expect(
    found.map(({ data }) => ({ path: data.path, size: data.size, crc32: data.checksum?.value })),
  ).toEqual(jobs.map((job) => ({ ...job, crc32: toBase64(job.crc32) })));
}
