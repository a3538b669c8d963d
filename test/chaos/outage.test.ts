import { expect, test } from 'vitest';
import { takeQueueAway } from './service/outage.ts';
import { outageTables } from './service/tables.ts';

test('while SQS is away every upload is acknowledged, and every job comes after', {
  timeout: 90_000,
}, async () => {
  const result = await takeQueueAway({
    // Longer than SQS is waited for, so that silence too is an outage.
    seconds: 10,
    calmSeconds: 1,
    silentFirst: true,
    connections: 4,
    seed: 20_263,
    everyObject: false,
    env: {},
    say: () => undefined,
  });
  expect(result.violations.length, outageTables(result)).toBe(0);

  // The test is worth something only if uploads went on all the while, and jobs had to wait.
  for (const [phase, uploads] of result.uploads) expect(uploads.length, phase).toBeGreaterThan(0);
  expect(result.records).toBeGreaterThan(0);
});
