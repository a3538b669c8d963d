import { expect, test } from 'vitest';
import { toRemarks } from '../../../src/console/page/remarks.ts';
import type { RecordedAttributes } from '../../../src/contract/activity.ts';

test.each<[RecordedAttributes, string | undefined, string]>([
  [{ 'sluice.result': 'ok' }, undefined, ''],
  [{ 'sluice.bytes': 8_388_608, 'sluice.write.count': 256 }, undefined, '8.0 MiB · 256 writes'],
  [{ 'sluice.bytes': 1, 'sluice.write.count': 1 }, undefined, '1 B · 1 write'],
  [{ 'aws.s3.part_number': 3, 'http.request.resend_count': 0 }, undefined, 'part 3'],
  [{ 'aws.s3.part_number': 3, 'http.request.resend_count': 2 }, undefined, 'part 3 · sent 3 times'],
  [{ 'sluice.job.place': 'outbox' }, undefined, 'to the outbox'],
  [{ 'sluice.result': 'EIO' }, 'S3 is away', '✕ EIO: S3 is away'],
  [{ 'error.type': 'SlowDown' }, 'SlowDown', '✕ SlowDown'],
  [{}, 'no', '✕ failed: no'],
])('%o, error %s: "%s"', (attributes, error, remarks) => {
  expect(toRemarks({ attributes, error })).toBe(remarks);
});
