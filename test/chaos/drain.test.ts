import { expect, test } from 'vitest';
import { ENOUGH, STAGES, stopAmidUploads, TOO_LITTLE } from './service/drain.ts';
import { isAcknowledged } from './service/journal.ts';
import { drainTables } from './service/tables.ts';

const options = { uploads: 50, seed: 20_264, env: {}, say: () => undefined };

test('SIGTERM amid fifty uploads: with time enough every one finishes, whole and with its job', {
  timeout: 90_000,
}, async () => {
  const result = await stopAmidUploads({ ...options, ...ENOUGH });
  expect(result.violations.length, drainTables(result)).toBe(0);
  expect(result.exitCode).toBe(0);
  expect(result.uploads.filter(({ upload }) => isAcknowledged(upload))).toHaveLength(50);
});

test('SIGTERM amid fifty uploads: with too little each finishes or fails visibly, and none is half there', {
  timeout: 90_000,
}, async () => {
  const result = await stopAmidUploads({ ...options, ...TOO_LITTLE });
  expect(result.violations.length, drainTables(result)).toBe(0);
  expect(result.exitCode).toBe(0);

  // The test is worth something only if uploads at every stage ended in both ways.
  for (const stage of STAGES) {
    const ended = result.uploads.filter((one) => one.stage === stage);
    const [inTime, late] = [true, false].map((is) =>
      ended.filter(({ goesOn }) => (goesOn === 'at once') === is),
    );
    expect(inTime?.filter(({ upload }) => isAcknowledged(upload)).length, stage).toBeGreaterThan(0);
    expect(late?.length, stage).toBeGreaterThan(0);
    // What the server was doing when it cut off the rest, it did to its end, and said so.
    const closed = late?.filter(({ upload }) => upload.closed === 'ok');
    expect(closed, stage).toHaveLength(stage === 'closing' ? (late?.length ?? 0) : 0);
  }
});
