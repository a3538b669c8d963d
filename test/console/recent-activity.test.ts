import { expect, test } from 'vitest';
import { RecentActivity } from '../../src/console/recent-activity.ts';
import { aJob, anEndedUpload } from '../support/scripted-source.ts';

test('what ended last comes first', () => {
  const activity = new RecentActivity();
  for (const id of ['a', 'b', 'c']) {
    activity.uploadEnded(anEndedUpload({ id }));
    activity.jobSent(aJob({ id }));
  }
  expect(activity.ended().map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  expect(activity.jobs().map(({ id }) => id)).toEqual(['c', 'b', 'a']);
});

test('the oldest are forgotten', () => {
  const activity = new RecentActivity(2);
  for (const id of ['a', 'b', 'c']) {
    activity.uploadEnded(anEndedUpload({ id }));
    activity.jobSent(aJob({ id }));
  }
  expect(activity.ended().map(({ id }) => id)).toEqual(['c', 'b']);
  expect(activity.jobs().map(({ id }) => id)).toEqual(['c', 'b']);
});

test('200 of each are kept', () => {
  const activity = new RecentActivity();
  for (let n = 0; n < 250; n++) {
    activity.uploadEnded(anEndedUpload({ id: String(n) }));
    activity.jobSent(aJob({ id: String(n) }));
  }
  expect(activity.ended()).toHaveLength(200);
  expect(activity.jobs()).toHaveLength(200);
});

test('a list that somebody holds does not change', () => {
  const activity = new RecentActivity();
  activity.uploadEnded(anEndedUpload());
  const held = activity.ended();
  activity.uploadEnded(anEndedUpload());
  expect(held).toHaveLength(1);
});

test('listeners hear of uploads and jobs until they stop listening', () => {
  const activity = new RecentActivity();
  let heard = 0;
  const stop = activity.onChange(() => {
    heard += 1;
  });
  activity.uploadEnded(anEndedUpload());
  activity.jobSent(aJob());
  expect(heard).toBe(2);
  stop();
  activity.uploadEnded(anEndedUpload());
  expect(heard).toBe(2);
});
