import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { startStrictS3 } from '../test/support/strict-s3/server.ts';
import { entryName } from './scenarios/entries.ts';

// An S3 with a folder full of objects, as its own process: `--bucket NAME --folder NAME --entries N --latency MS`.
// The objects are large in name only. A second port tells how many requests there were, by operation.
const { values } = parseArgs({
  options: {
    bucket: { type: 'string', default: '' },
    folder: { type: 'string', default: '' },
    entries: { type: 'string', default: '0' },
    latency: { type: 'string', default: '0' },
  },
});
const s3 = await startStrictS3({ buckets: [values.bucket] });
for (let index = 0; index < Number(values.entries); index++) {
  s3.seed(values.bucket, `${values.folder}/${entryName(index)}`, { size: index });
}
if (values.latency !== '0') s3.fault({ delayMs: Number(values.latency) });

const counts: Record<string, number> = {};

/** Moves what the strict server recorded into the counts: it keeps every request until it is told not to. */
function count(): void {
  for (const { operation = 'unknown' } of s3.requests) counts[operation] = (counts[operation] ?? 0) + 1;
  s3.clearRequests();
}

setInterval(count, 100);
const told = createServer((_, response) => {
  count();
  response.end(JSON.stringify(counts));
});
told.listen(0, '127.0.0.1', () => {
  const countsPort = (told.address() as AddressInfo).port;
  process.stdout.write(`${JSON.stringify({ msg: 'listening', url: s3.endpoint, countsPort })}\n`);
});
