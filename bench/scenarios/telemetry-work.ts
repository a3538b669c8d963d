import { DEFAULT_CIPHER, sftpPut } from '../client.ts';
import { accountOn } from '../driver/account.ts';
import { Connection } from '../driver/connection.ts';
import { createPayload } from '../payload.ts';
import type { Site } from '../site.ts';
import { formatSize } from '../sizes.ts';
import type { RunningTarget } from '../targets/target.ts';
import { lastingFaults, type Sent } from './arrivals.ts';
import { uploadFile } from './small.ts';

/** What is uploaded: it stands in the report too. */
export interface TelemetryWork {
  /** Of the one file, in bytes; 0 leaves it out. */
  readonly size: number;
  /** Small ones, in one session; 0 leaves them out. */
  readonly files: number;
  /** Of each of them, in bytes. */
  readonly fileSize: number;
}

/** What is done to every server in each round, in how many steps. */
export interface Task {
  readonly steps: number;
  /** Of one round; undefined where it depends on how the file is cut into parts. */
  readonly expectedSpans: number | undefined;
  readonly perform: (server: RunningTarget, round: number, step: number) => Promise<void>;
  /** What of all rounds is wrong, missing or should not be there. */
  readonly faults: () => Promise<string[]>;
}

export interface TaskOptions extends TelemetryWork {
  readonly say: (line: string) => void;
}

/**
 * Of a small file: `sluice.upload`, `backend.begin_write`, `.write_chunk`, `.finish_write`, `sqs.send`, and one for each of the
 * three calls of S3 and SQS that it takes.
 */
const SPANS_OF_A_FILE = 8;

/** Half a second or so. */
const FILES_OF_A_STEP = 50;

/** One file by the OpenSSH client, login included. */
export async function largeFile({ size, say }: TaskOptions, site: Site): Promise<Task> {
  const { file: localFile, inMemory } = await createPayload(site.cleanup, size);
  if (!inMemory) say(`no room in a tmpfs: the client reads its ${formatSize(size)} from disk`);
  let uploads = 0;
  return {
    steps: 1,
    expectedSpans: undefined,
    perform: async (server) => {
      uploads += 1;
      await sftpPut(site, server, { cipher: DEFAULT_CIPHER, localFile, name: `upload-${uploads}.bin` });
    },
    faults: async () => {
      const { objects, bytes, jobs } = await site.sink.counts();
      const isRight = objects === uploads && bytes === uploads * size && jobs === uploads;
      return isRight ? [] : [`${uploads} uploads gave ${objects} objects, ${bytes} bytes and ${jobs} jobs`];
    },
  };
}

/** Small files, one after the other in a session for each server, which lasts over all rounds. */
export async function smallFiles(
  { files, fileSize }: TaskOptions,
  site: Site,
  servers: readonly RunningTarget[],
): Promise<Task> {
  const sessions = new Map<RunningTarget, Connection>();
  for (const server of servers) sessions.set(server, await Connection.login(await accountOn(site, server)));
  const sent: Sent[] = [];
  return {
    steps: Math.ceil(files / FILES_OF_A_STEP),
    expectedSpans: files * SPANS_OF_A_FILE,
    perform: async (server, round, step) => {
      const session = sessions.get(server) as Connection;
      const end = Math.min(files, (step + 1) * FILES_OF_A_STEP);
      for (let at = step * FILES_OF_A_STEP; at < end; at++) {
        sent.push(await uploadFile(session, `${servers.indexOf(server)}-${round}-${at}.bin`, fileSize));
      }
    },
    faults: async () => {
      for (const session of sessions.values()) session.end();
      return await lastingFaults(sent, () => site.sink.contents());
    },
  };
}
