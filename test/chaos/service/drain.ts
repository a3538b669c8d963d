import { KiB, MiB } from '../../clients/ssh2-client.ts';
import { Dice } from '../../support/dice.ts';
import { PREFIX } from '../../support/service.ts';
import { type Deferred, deferred } from '../../support/sftp-driver.ts';
import type { SentUpload } from './journal.ts';
import type { PlannedUpload } from './plan.ts';
import { type Milestone, Uploader } from './uploader.ts';
import { type Observed, type Violation, verify } from './verify.ts';
import { World } from './world.ts';

export interface DrainOptions {
  readonly uploads: number;
  readonly seed: number;
  /** `SLUICE_DRAIN_SECONDS`. */
  readonly drainSeconds: number;
  /** Clients that go on too late or never once the server stops, from 0 to 1. */
  readonly stalled: number;
  readonly env: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

/** How far an upload has come when the server is told to stop; `closing`: S3 has not answered its last request. */
export const STAGES = ['opened', 'halfway', 'sent', 'closing'] as const;
export type Stage = (typeof STAGES)[number];

/** When it goes on after that: at once, as soon as the server cuts off the rest, or not at all. */
export const GOES_ON = ['at once', 'too late', 'never'] as const;
export type GoesOn = (typeof GOES_ON)[number];

export interface DrainedUpload {
  readonly stage: Stage;
  readonly goesOn: GoesOn;
  readonly upload: SentUpload;
}

export interface DrainResult {
  readonly uploads: readonly DrainedUpload[];
  /** From SIGTERM to the end of the process. */
  readonly seconds: number;
  readonly exitCode: number | null;
  readonly observed: Observed;
  readonly violations: readonly Violation[];
}

/** Every client finishes. */
export const ENOUGH = { drainSeconds: 120, stalled: 0 } as const;

/** Some clients finish, and some are cut off. */
export const TOO_LITTLE = { drainSeconds: 4, stalled: 0.5 } as const;

const STAGED_SHARE = 0.3;

/** Stops a server by SIGTERM amid uploads at every stage, and holds what became of each against what its client was told. */
export async function stopAmidUploads(options: DrainOptions): Promise<DrainResult> {
  const { drainSeconds, stalled, env, say } = options;
  const world = await World.create({ ...env, SLUICE_DRAIN_SECONDS: `${drainSeconds}` });
  try {
    const server = await world.startServer();
    const clients = plan(options).map((planned) => new Client(planned, world));
    const account = world.account(server);
    const done = Promise.all(clients.map((client) => client.uploader.run(account, client.begun.signal)));
    await Promise.all(clients.map(({ arrived }) => arrived.promise));
    say(`${clients.length} uploads, SIGTERM, ${drainSeconds} s to finish`);
    const stoppedAt = performance.now();
    server.running.kill('SIGTERM');
    await server.log(({ msg }) => msg === 'draining: uploads in progress may finish');
    const goOn = (when: GoesOn) => {
      for (const client of clients) if (client.planned.goesOn === when) client.goOn();
    };
    goOn('at once');
    if (stalled > 0) {
      await server.log(({ msg }) => msg === 'the drain is over: cutting off');
      goOn('too late');
    }
    const { code } = await server.running.exited;
    const seconds = (performance.now() - stoppedAt) / 1000;
    goOn('never');
    await done;
    const observed = await observe(world, stalled === 0);
    const uploads = clients.map(({ planned: { stage, goesOn, path } }) => {
      const upload = observed.uploads.find((sent) => sent.path === path) as SentUpload;
      return { stage, goesOn, upload };
    });
    return { uploads, seconds, exitCode: code, observed, violations: verify(observed) };
  } finally {
    await world.close();
  }
}

/** What there is in the end, once every job of the stopped server has come. */
async function observe(world: World, mustAcknowledge: boolean): Promise<Observed> {
  const next = await world.startServer();
  await world.drain(next);
  await next.stop();
  return world.observed({ everyObject: true, mustAcknowledge, mustTell: true });
}

interface PlannedClient extends PlannedUpload {
  readonly name: string;
  readonly stage: Stage;
  readonly goesOn: GoesOn;
}

/** Every size at every stage. */
function plan({ uploads, seed, stalled }: DrainOptions): PlannedClient[] {
  const dice = new Dice(seed);
  const sizes = [
    () => 0,
    () => 4 * KiB,
    () => dice.between(1, 300 * KiB),
    () => dice.between(6 * MiB, 20 * MiB),
  ];
  return Array.from({ length: uploads }, (_, index) => {
    const path = `/d${index + 1}`;
    const isStaged = dice.chance(STAGED_SHARE);
    const stage = STAGES[index % STAGES.length] as Stage;
    // S3 answers in the end: a request that nobody ever answers has no end that could be told.
    const isForgotten = stage !== 'closing' && dice.chance(0.5);
    const goesOn = dice.chance(stalled) ? (isForgotten ? 'never' : 'too late') : 'at once';
    return {
      name: `${seed} d${index + 1}`,
      path,
      ...(isStaged ? { temporary: `${path}.filepart` } : {}),
      size: sizes[Math.floor(index / STAGES.length) % sizes.length]?.() ?? 0,
      stage,
      goesOn,
    };
  });
}

/** One client with one upload, which waits at its stage until it is told to go on. */
class Client {
  readonly planned: PlannedClient;
  readonly uploader: Uploader;
  /** Aborted when its upload begins: there is no second one. */
  readonly begun = new AbortController();
  readonly arrived = deferred();
  readonly #gate: Deferred<void> = deferred();

  constructor(planned: PlannedClient, { journal, around }: World) {
    this.planned = planned;
    const { name, path, temporary, stage } = planned;
    const next = () => {
      this.begun.abort();
      return planned;
    };
    this.uploader = new Uploader({ name, journal, next, pass: (milestone) => this.#pass(milestone) });
    if (stage !== 'closing') return;
    const held = around.s3.fault({
      when: ({ operation, key }) =>
        (operation === 'PutObject' || operation === 'CompleteMultipartUpload') &&
        key === PREFIX + (temporary ?? path).slice(1),
      nth: 1,
      hang: 'request',
    });
    void held.reached().then(() => this.arrived.resolve());
    void this.#gate.promise.then(() => held.release());
  }

  goOn(): void {
    this.#gate.resolve();
  }

  async #pass(milestone: Milestone): Promise<void> {
    if (milestone !== this.planned.stage) return;
    this.arrived.resolve();
    await this.#gate.promise;
  }
}
