import type { LiveUpload } from './contract/activity.ts';
import type { Log } from './contract/log.ts';

/** An upload that takes no longer than this is none to protect: the drain has time for it. In milliseconds. */
const LONG_UPLOAD_MS = 5_000;

/** How often the uploads are looked at, in milliseconds. */
const LOOK_MS = 5_000;

/** Short, since it outlives a task that hangs: ECS takes 1 to 2,880 minutes. */
const PROTECTION_MINUTES = 10;

/** Renewed when half of it is over, in milliseconds. */
const RENEW_MS = (PROTECTION_MINUTES * 60_000) / 2;

/** Given up after so long without a long upload, in milliseconds: one that comes soon needs no call. */
const QUIET_MS = 60_000;

/** Pause after a call that failed, in milliseconds. */
const REST_MS = 60_000;

/** The agent is on this machine, but asks ECS before it answers. */
const ANSWER_MS = 10_000;

/** Longest part of an answer that is logged, in characters. */
const MAX_LOGGED = 500;

export interface TaskProtectionOptions {
  /** `ECS_AGENT_URI`, which ECS sets in every container. */
  readonly agentUri: string;
  /** Those in progress, the oldest first. */
  readonly uploads: () => readonly Pick<LiveUpload, 'startedAt'>[];
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * Asks ECS to spare this task while a long upload is in progress: scale-in and deployments then take another, or wait
 * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html). At most two calls a
 * minute, none for short uploads. Nothing that becomes of a call touches an upload.
 */
export class TaskProtection {
  readonly #options: TaskProtectionOptions;
  readonly #now: () => number;
  /** When ECS was asked last, with success; undefined while the task is not protected. */
  #protectedAt: number | undefined;
  #neededAt = Number.NEGATIVE_INFINITY;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #hasFailed = false;

  constructor(options: TaskProtectionOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Looks at the uploads again and again until it is told to stop. What protection there is then expires. */
  start(stop: AbortSignal): void {
    const timer = setInterval(() => void this.look(), LOOK_MS);
    timer.unref();
    stop.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  /** Looks once, and resolves when ECS has been asked for what there is to ask. Never rejects. */
  async look(): Promise<void> {
    const now = this.#now();
    const oldest = this.#options.uploads()[0];
    const isNeeded = oldest !== undefined && now - oldest.startedAt.getTime() >= LONG_UPLOAD_MS;
    if (isNeeded) this.#neededAt = now;
    if (this.#isAsking || now < this.#restsUntil) return;
    const ageMs = this.#protectedAt === undefined ? Number.POSITIVE_INFINITY : now - this.#protectedAt;
    if (isNeeded && ageMs >= RENEW_MS) await this.#ask(true, now);
    if (this.#protectedAt !== undefined && now - this.#neededAt >= QUIET_MS) await this.#ask(false, now);
  }

  async #ask(isProtected: boolean, now: number): Promise<void> {
    const { agentUri, log } = this.#options;
    this.#isAsking = true;
    try {
      await putState(agentUri, isProtected);
      if (this.#hasFailed || (this.#protectedAt !== undefined) !== isProtected) {
        log.info(
          {},
          isProtected ? 'ECS spares this task while uploads go on' : 'ECS need not spare this task',
        );
      }
      this.#protectedAt = isProtected ? now : undefined;
      this.#hasFailed = false;
    } catch (err) {
      this.#restsUntil = now + REST_MS;
      const write = this.#hasFailed ? log.debug : log.warn;
      write({ err }, 'ECS does not spare this task: a deployment or scale-in may cut off long uploads');
      this.#hasFailed = true;
    } finally {
      this.#isAsking = false;
    }
  }
}

/** @throws when the task is not in that state then, for whatever reason: failures come with any status. */
async function putState(agentUri: string, isProtected: boolean): Promise<void> {
  const expiry = isProtected ? { ExpiresInMinutes: PROTECTION_MINUTES } : {};
  const response = await fetch(`${agentUri}/task-protection/v1/state`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ProtectionEnabled: isProtected, ...expiry }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const text = await response.text();
  if (!response.ok || !isState(text, isProtected)) {
    throw new Error(`task protection: status ${response.status}, ${text.slice(0, MAX_LOGGED)}`);
  }
}

function isState(text: string, isProtected: boolean): boolean {
  try {
    return JSON.parse(text)?.protection?.ProtectionEnabled === isProtected;
  } catch {
    return false;
  }
}
