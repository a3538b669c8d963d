import { readFile } from 'node:fs/promises';
import { AbortMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3';
import type { Account } from '../../../bench/driver/connection.ts';
import { parseRecord } from '../../../src/jobs/outbox-record.ts';
import {
  BUCKET,
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  startService,
} from '../../support/service.ts';
import { USERNAME } from '../../support/workspace.ts';
import { digest, isAcknowledged, Journal } from './journal.ts';
import { OUTBOX } from './moments.ts';
import { Uploader } from './uploader.ts';
import type { Observed } from './verify.ts';

/** How long an event may take that nothing stands in the way of. */
const PATIENCE_MS = 60_000;

/** S3, SQS and the consumer of the jobs, which outlive every server, and a journal of what they see. */
export class World {
  readonly around: Surroundings;
  readonly journal: Journal;
  readonly #env: Readonly<Record<string, string>>;
  readonly #privateKey: string;

  private constructor(
    around: Surroundings,
    journal: Journal,
    env: Readonly<Record<string, string>>,
    key: string,
  ) {
    this.around = around;
    this.journal = journal;
    this.#env = { ...around.env, ...env };
    this.#privateKey = key;
  }

  /** @param env what the server is told beside where everything is */
  static async create(env: Readonly<Record<string, string>>): Promise<World> {
    const journal = new Journal();
    const around = await createSurroundings({
      onStored: (_, object) => journal.stored(object),
      onJob: (job) => journal.received(job),
    });
    return new World(around, journal, env, await readFile(around.workspace.identity, 'utf8'));
  }

  startServer(): Promise<Service> {
    return startService(this.#env);
  }

  account({ port }: Service): Account {
    return { port, username: USERNAME, privateKey: this.#privateKey };
  }

  /** Resolves when S3 has nothing more to do for a server that is gone. */
  async quiet(): Promise<void> {
    const isQuiet = () => this.around.s3.requests.every(({ endTime }) => endTime !== undefined);
    if (!isQuiet()) await this.around.s3.waitFor(isQuiet, { timeoutMs: PATIENCE_MS });
  }

  /** Plays the lifecycle rule of the bucket; how many there were. */
  async abortOpenUploads(): Promise<number> {
    const { s3 } = this.around;
    const open = s3.openUploads(BUCKET);
    const client = new S3Client(s3.clientConfig);
    for (const { key, uploadId } of open) {
      await client.send(new AbortMultipartUploadCommand({ Bucket: BUCKET, Key: key, UploadId: uploadId }));
    }
    client.destroy();
    return open.length;
  }

  /**
   * Resolves when every job there is has been received: the outbox is empty, and then one more upload is made, whose job
   * comes behind all others. The time for it is bounded; what is missing by then is missing.
   * @throws when that upload is not acknowledged
   */
  async drain(service: Service): Promise<void> {
    const { s3 } = this.around;
    // Asked at every request: it looks no further than the first.
    const isEmpty = () => this.#waiting().next().done === true;
    if (!isEmpty()) await s3.waitFor(isEmpty, { timeoutMs: PATIENCE_MS }).catch(() => undefined);
    const path = `/marker-${this.journal.uploads.length}`;
    const done = new AbortController();
    const next = () => {
      done.abort();
      return { path, size: 1024 };
    };
    await new Uploader({ name: path, journal: this.journal, next }).run(this.account(service), done.signal);
    const marker = this.journal.uploads.find((upload) => upload.path === path);
    if (marker === undefined || !isAcknowledged(marker))
      throw new Error('the last upload was not acknowledged');
    await within(this.around.job(path), PATIENCE_MS);
  }

  observed(promised: Pick<Observed, 'everyObject' | 'mustAcknowledge' | 'mustTell'>): Observed {
    const { uploads, versions, jobs } = this.journal;
    const { s3 } = this.around;
    const kept = [...s3.objects(BUCKET)].filter(([key]) => !key.startsWith('.sluice/'));
    return {
      uploads,
      versions,
      jobs,
      prefix: PREFIX,
      remaining: new Map(kept.map(([key, { body }]) => [key, digest(body)])),
      outbox: [...this.#waiting()],
      openUploads: s3.openUploads(BUCKET).length,
      ...promised,
    };
  }

  /** Records of jobs that are to be sent: not of those whose file has never come. */
  *#waiting(): Generator<string> {
    const objects = this.around.s3.objects(BUCKET);
    for (const [key, { body }] of objects) {
      if (!key.startsWith(OUTBOX)) continue;
      const record = parseRecord(body?.toString() ?? '');
      const { id, data } = record?.event ?? {};
      const isThere = objects.get(data?.key ?? '')?.metadata['sluice-upload-id'] === id;
      if (record?.state !== 'prepared' || isThere) yield key;
    }
  }

  close(): Promise<void> {
    return this.around.close();
  }
}

/** Whether something came in time. */
export async function within(event: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
