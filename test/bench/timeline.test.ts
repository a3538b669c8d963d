import { expect, test } from 'vitest';
import { record, sampleAt, thin } from '../../bench/measure/timeline.ts';

const samples = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ seconds: at, bytes: at * 10, rssBytes: at === 777 ? 9 : 1 }));

test('the sample of a share is the first by which so much had come', () => {
  expect(sampleAt(samples(101), 0.25, 1000)?.seconds).toBe(25);
  expect(sampleAt(samples(101), 0.251, 1000)?.seconds).toBe(26);
  expect(sampleAt(samples(50), 0.75, 1000)).toBeUndefined();
  expect(sampleAt(samples(50), 1, 1000)?.seconds).toBe(49);
});

test('of many samples a plot keeps a few, the highest and the last among them', () => {
  const kept = thin(samples(3600));
  expect(kept.length).toBeLessThanOrEqual(242);
  expect(kept.some(({ rssBytes }) => rssBytes === 9)).toBe(true);
  expect(kept.at(-1)?.seconds).toBe(3599);
  expect(thin(samples(20))).toEqual(samples(20));
});

test('memory and progress are noted from the start to the end of the work', async () => {
  let bytes = 0;
  const work = async () => {
    for (; bytes < 5; bytes++) await new Promise((resolve) => setTimeout(resolve, 10));
    return 'done';
  };
  const recorded = await record(process.pid, { everyMs: 10, progress: () => bytes }, work);
  expect(recorded.result).toBe('done');
  expect(recorded.samples[0]?.bytes).toBe(0);
  expect(recorded.samples.at(-1)?.bytes).toBe(5);
});

test('work that fails fails the recording', async () => {
  const failing = record(process.pid, { everyMs: 10, progress: () => 0 }, async () => {
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
});
