import { expect, test } from 'vitest';
import { createHandlerSender } from '../../src/jobs/handler-sender.ts';
import { finishedEvent } from '../support/events.ts';

const event = finishedEvent('a');

test('an event is sent once its handler has resolved', async () => {
  let take: () => void = () => undefined;
  const taken = new Promise<void>((resolve) => {
    take = resolve;
  });
  const sender = createHandlerSender(() => taken);
  let isSent = false;
  const sending = sender.send(event).then(() => {
    isSent = true;
  });
  await Promise.resolve();
  expect(isSent).toBe(false);
  take();
  await sending;
});

test('a handler that never answers has not taken the event', async () => {
  const sender = createHandlerSender(() => new Promise(() => undefined), 20);
  await expect(sender.send(event)).rejects.toThrow('the job was not taken within 0.02 seconds');
});

test('what a handler throws at once is a rejection', async () => {
  const sender = createHandlerSender(() => {
    throw new Error('no');
  });
  await expect(sender.send(event)).rejects.toThrow('no');
});

test('the end waits for handlers that are at work', async () => {
  const order: string[] = [];
  let take: () => void = () => undefined;
  const sender = createHandlerSender(
    () =>
      new Promise((resolve) => {
        take = resolve;
      }),
  );
  void sender.send(event).then(() => order.push('sent'));
  const closed = sender.close().then(() => order.push('closed'));
  take();
  await closed;
  expect(order).toEqual(['sent', 'closed']);
});
