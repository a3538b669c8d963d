import { sampleAt } from '../measure/timeline.ts';
import type { Heading } from '../report.ts';
import type { HugeClient, HugeResult } from '../scenarios/huge.ts';
import { formatSize, GiB, MiB } from '../sizes.ts';
import { fixed, mebibytes, table } from './table.ts';

export interface HugeReport extends Heading {
  readonly size: number;
  readonly client: HugeClient;
  readonly writeBytes: number;
  readonly latencyMs: number;
  readonly env: Readonly<Record<string, string>>;
  readonly result: HugeResult;
}

const SHARES = [0.01, 0.1, 0.25, 0.5, 0.75, 1];

const COLUMNS = ['Done', 'GiB in S3', 'After s', 'RSS MiB'];

/** The server's memory on the way, then what there is to say of the whole. */
export function hugeTable({ size, result }: Omit<HugeReport, keyof Heading>): string {
  const { samples, rss, wallSeconds, serverCpuSeconds, failure, faults } = result;
  const rows = SHARES.map((share) => {
    const sample = sampleAt(samples, share, size);
    return [
      `${share * 100} %`,
      fixed(sample === undefined ? undefined : sample.bytes / GiB, 2),
      fixed(sample?.seconds, 0),
      mebibytes(sample?.rssBytes),
    ];
  });
  const cpuPerGiB = serverCpuSeconds === undefined ? undefined : serverCpuSeconds / (size / GiB);
  const whole = [
    `${formatSize(size)} in ${fixed(wallSeconds, 0)} s, ${fixed(size / MiB / wallSeconds, 0)} MiB/s`,
    `peak RSS ${mebibytes(rss.peak) ?? '-'} MiB, ${mebibytes(rss.afterStart) ?? '-'} before the upload`,
    `server CPU ${fixed(cpuPerGiB, 2) ?? '-'} s per GiB`,
    `copied within S3 ${fixed(result.copiedBytes / GiB, 2)} GiB`,
    `peak RSS of the sink ${mebibytes(rss.peakOfSink) ?? '-'} MiB`,
  ];
  const wrong = [...(failure === undefined ? [] : [`The upload failed: ${failure}`]), ...faults];
  const verdict = wrong.length > 0 ? wrong : ['The object has the size and the CRC32 of what was sent.'];
  return [table(COLUMNS, rows), '', `${whole.join('; ')}.`, ...verdict].join('\n');
}
