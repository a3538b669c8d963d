import { SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import type { Config } from './config.ts';
import { type Handling, handleMessage } from './handle-message.ts';

export interface JobConsumer {
  start(): void;
  /** Takes no further message; resolves when those in hand are done, or when the time for that is over. */
  stop(): Promise<void>;
}

/**
 * Receives messages, hides them from other consumers for as long as they are worked on, deletes those that are done.
 * The others come again when their visibility timeout is over, until the queue's redrive policy moves them away.
 */
export function createConsumer(
  config: Config,
  { log, process }: Pick<Handling, 'log' | 'process'>,
): JobConsumer {
  const { queueUrl, visibilitySeconds } = config;
  const queue = queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
  const isFifo = queue.endsWith('.fifo');
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: !config.hasOwnSqs });
  let isReceiving = false;
  let isStopping = false;

  const consumer = Consumer.create({
    queueUrl,
    sqs,
    // What is received at once is worked on at once, which would lose the order of a FIFO queue.
    batchSize: isFifo ? 1 : config.batchSize,
    suppressFifoWarning: isFifo,
    visibilityTimeout: visibilitySeconds,
    heartbeatInterval: visibilitySeconds / 3,
    pollingCompleteWaitTimeMs: config.drainSeconds * 1000,
    preReceiveMessageCallback: async () => {
      isReceiving = true;
    },
    postReceiveMessageCallback: async () => {
      isReceiving = false;
    },
    handleMessage: async (message) => {
      await handleMessage(message, { queue, log, process });
      return message;
    },
  });
  consumer.on('error', (error) => {
    // The end of a receive that nobody waits for any more.
    if (isStopping && isReceiving) return;
    log.error({ err: error }, 'the queue did not do what it was asked for');
  });

  return {
    start: () => consumer.start(),
    stop: async () => {
      isStopping = true;
      const stopped = new Promise<void>((resolve) => {
        consumer.once('stopped', () => resolve());
      });
      // An abort would also take the deletes of messages in hand; while one receives there are none.
      consumer.stop({ abort: isReceiving });
      await stopped;
      sqs.destroy();
    },
  };
}
