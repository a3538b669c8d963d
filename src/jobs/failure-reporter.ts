import type { JobPlace } from '../contract/jobs.ts';
import type { Log } from '../contract/log.ts';
import type { Channel } from './channel.ts';
import type { UploadFailedEvent } from './event.ts';

/** Reports under way at once. Each holds an event, and maybe a request: clients that fail all the time are no reason for more. */
const MAX_UNDER_WAY = 500;

export interface ReporterOptions {
  readonly channel: Pick<Channel, 'sender' | 'deliver' | 'close'>;
  readonly log: Log;
}

/** Tells of failed uploads behind the clients' backs. What cannot be told, or comes when too much is under way, is logged. */
export class FailureReporter {
  readonly #options: ReporterOptions;
  readonly #underWay = new Set<Promise<unknown>>();
  #dropped = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Where the event is then; undefined for nowhere. Never rejects. */
  async report(event: UploadFailedEvent): Promise<JobPlace | undefined> {
    if (this.#underWay.size >= MAX_UNDER_WAY) {
      this.#dropped += 1;
      return undefined;
    }
    const reporting = this.#deliver(event);
    this.#underWay.add(reporting);
    const place = await reporting;
    this.#underWay.delete(reporting);
    if (this.#underWay.size === 0) this.#tellOfDropped();
    return place;
  }

  async close(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    await this.#options.channel.close();
  }

  async #deliver(event: UploadFailedEvent): Promise<JobPlace | undefined> {
    const { channel, log } = this.#options;
    // Those of one moment, a lost connection for instance, go together.
    const arrived = channel.sender.expect();
    try {
      const delivered = channel.deliver(event);
      arrived();
      return await delivered;
    } catch (err) {
      log.error({ err, uploadId: event.id, path: event.data.path }, 'a failed upload could not be reported');
      return undefined;
    }
  }

  #tellOfDropped(): void {
    const dropped = this.#dropped;
    if (dropped === 0) return;
    this.#dropped = 0;
    this.#options.log.error({ dropped }, 'failed uploads were not reported: too many at once');
  }
}
