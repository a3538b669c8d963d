import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { UploadFinishedEvent } from '../../src/jobs/event.ts';
import { finishedEvent } from '../support/events.ts';
import { type Finished, Running } from '../support/processes.ts';
import { BUCKET, PREFIX, type Surroundings } from '../support/service.ts';
import type { StoredObject } from '../support/strict-s3/store.ts';
import type { Queue } from './queues.ts';

const FOLDER = fileURLToPath(new URL('../../examples/job-consumer', import.meta.url));

type LogRecord = Readonly<Record<string, unknown>>;

/** The example as a process of its own. */
export interface Consumer {
  readonly running: Running;
  /** Resolves with the first log record of this message, past or to come, that has these fields. */
  logged(message: string, fields?: LogRecord): Promise<LogRecord>;
  /** SIGTERM, then the end of the process. */
  stop(): Promise<Finished>;
}

export function runConsumer(
  env: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Running {
  return new Running(process.execPath, ['--import', 'tsx', ...nodeOptions, 'src/main.ts'], {
    cwd: FOLDER,
    env,
  });
}

export async function startConsumer(
  around: Surroundings,
  queue: Queue,
  env: Readonly<Record<string, string>> = {},
  nodeOptions: readonly string[] = [],
): Promise<Consumer> {
  const running = runConsumer(
    {
      ...around.env,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      CONSUMER_QUEUE_URL: queue.url,
      ...env,
    },
    nodeOptions,
  );
  const logged = async (message: string, fields: LogRecord = {}) => {
    const expected = Object.entries({ msg: message, ...fields });
    const matches = (line: string) => {
      const record = JSON.parse(line) as LogRecord;
      return expected.every(([name, value]) => record[name] === value);
    };
    return JSON.parse(await running.line(matches)) as LogRecord;
  };
  await logged('receiving');
  return {
    running,
    logged,
    stop: () => {
      running.kill('SIGTERM');
      return running.exited;
    },
  };
}

/** The event of an upload that has made this object of the bucket, as the server would send it. */
export function eventOf(object: StoredObject): UploadFinishedEvent {
  const { key, etag, size, checksum } = object;
  const stored = {
    size,
    etag: etag.replaceAll('"', ''),
    location: { bucket: BUCKET, key },
    ...(checksum === undefined
      ? {}
      : { checksum: { algorithm: 'CRC32', value: checksum.value, type: 'FULL_OBJECT' } as const }),
  };
  return finishedEvent(randomUUID(), stored, `/${key.slice(PREFIX.length)}`);
}

/** Where the example keeps the result of an event. */
export const resultKey = ({ id }: { readonly id: string }) => `processed/${id}.json`;
