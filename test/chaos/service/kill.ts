import { Dice } from '../../support/dice.ts';
import { isAcknowledged } from './journal.ts';
import { LONGEST_MS, type Moment, momentsFor } from './moments.ts';
import { UploadPlan } from './plan.ts';
import { Uploader } from './uploader.ts';
import { type Observed, type Violation, verify } from './verify.ts';
import { World, within } from './world.ts';

export interface KillOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly connections: number;
  /** Whether the server promises a job for every object, acknowledged or not. */
  readonly everyObject: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

export interface KillRound {
  readonly moment: Moment;
  /** False when the moment never came, and the server was killed for want of it. */
  readonly wasHit: boolean;
  readonly sent: number;
  readonly acknowledged: number;
  /** Multipart uploads that the server had open when it was killed. */
  readonly openUploads: number;
}

export interface KillResult {
  readonly rounds: readonly KillRound[];
  readonly observed: Observed;
  readonly violations: readonly Violation[];
}

/** How many requests SQS refuses for each client before it recovers: what the SDK tries for one batch. */
const REFUSED_BEFORE_RECOVERY = 3;

/** Uploads that go to a temporary name and are delivered by RENAME. */
const STAGED_SHARE = 0.3;

/** Kills the server again and again while clients upload, and holds everything against what it promised. */
export async function killAgainAndAgain(options: KillOptions): Promise<KillResult> {
  const { seed, connections, everyObject, env, say } = options;
  const world = await World.create(env);
  try {
    const uploaders = Array.from({ length: connections }, (_, index) => {
      const plan = new UploadPlan(new Dice(seed + index + 1), `c${index + 1}`, STAGED_SHARE);
      const name = `${seed} c${index + 1}`;
      return new Uploader({ name, journal: world.journal, next: () => plan.next() });
    });
    const dice = new Dice(seed);
    const moments = shuffledForEver(momentsFor(everyObject), dice);
    const rounds: KillRound[] = [];
    while (rounds.length < options.rounds) {
      const round = await killOnce(world, uploaders, moments.next().value, dice);
      rounds.push(round);
      say(`round ${rounds.length} of ${options.rounds}: ${describe(round)}`);
    }
    const server = await world.startServer();
    await world.drain(server);
    await server.stop();
    const observed = world.observed({ everyObject, mustAcknowledge: false, mustTell: false });
    return { rounds, observed, violations: verify(observed) };
  } finally {
    await world.close();
  }
}

async function killOnce(
  world: World,
  uploaders: readonly Uploader[],
  moment: Moment,
  dice: Dice,
): Promise<KillRound> {
  const { around, journal } = world;
  const before = journal.uploads.length;
  around.s3.clearRequests();
  const armed = moment.arm(around, dice);
  if (moment.sqs !== 'well') {
    const times = moment.sqs === 'recovering' ? { times: REFUSED_BEFORE_RECOVERY * uploaders.length } : {};
    around.sqs.fault({ target: /SendMessage/, ...times, respond: { status: 503 } });
  }
  const { running, ...server } = await world.startServer();
  const account = world.account({ running, ...server });
  const uploading = uploaders.map((uploader) => uploader.run(account));
  const wasHit = await within(armed.reached(), LONGEST_MS).catch(() => false);
  running.kill('SIGKILL');
  await running.exited;
  around.s3.clearFaults();
  around.sqs.clearFaults();
  await Promise.all(uploading);
  await world.quiet();
  const sent = journal.uploads.slice(before);
  return {
    moment,
    wasHit,
    sent: sent.length,
    acknowledged: sent.filter(isAcknowledged).length,
    openUploads: await world.abortOpenUploads(),
  };
}

/** Every one comes once before any comes again. */
function* shuffledForEver<T>(items: readonly T[], dice: Dice): Generator<T, never> {
  for (;;) {
    const rest = [...items];
    while (rest.length > 0) yield* rest.splice(dice.between(0, rest.length - 1), 1);
  }
}

export function describe({ moment, wasHit, sent, acknowledged, openUploads }: KillRound): string {
  const when = wasHit ? nameOf(moment) : `${nameOf(moment)} (never came)`;
  return `killed at: ${when}; ${sent} sent, ${acknowledged} acknowledged, ${openUploads} left open`;
}

export const nameOf = ({ name, sqs }: Moment): string => (sqs === 'well' ? name : `${name}, SQS ${sqs}`);
