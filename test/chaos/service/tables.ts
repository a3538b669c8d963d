import { fixed, table } from '../../../bench/reports/table.ts';
import { type DrainResult, GOES_ON } from './drain.ts';
import { groups } from './groups.ts';
import { isAcknowledged, type SentUpload } from './journal.ts';
import { type KillResult, type KillRound, nameOf } from './kill.ts';
import type { OutageResult } from './outage.ts';
import { type Observed, type Violation, withoutJob } from './verify.ts';

/** So many violations are told one by one. */
const MOST_TOLD = 20;

export function killTables({ rounds, observed, violations }: KillResult): string {
  const sum = (of: (round: KillRound) => number, some = rounds) =>
    some.reduce((total, round) => total + of(round), 0);
  const rows = [...groups(rounds, ({ moment }) => nameOf(moment))].map(([name, ofMoment]) => [
    name,
    `${sum(({ wasHit }) => Number(wasHit), ofMoment)} of ${ofMoment.length}`,
    `${sum(({ sent }) => sent, ofMoment)}`,
    `${sum(({ acknowledged }) => acknowledged, ofMoment)}`,
    `${sum(({ openUploads }) => openUploads, ofMoment)}`,
  ]);
  const answers = groups(observed.uploads, answerOf);
  const objects = observed.versions.filter(({ key }) => !key.startsWith('.sluice/'));
  return [
    table(['Killed at', 'Hit', 'Uploads', 'Acknowledged', 'Left open'], rows),
    table(
      ['All rounds', ''],
      [
        ...[...answers].map(([answer, { length }]) => [`uploads: ${answer}`, `${length}`]),
        ['objects that came to exist', `${objects.length}`],
        ['of these, under a final name and without a job', `${withoutJob(observed).length}`],
        ...jobRows(observed),
        ['multipart uploads left open by kills', `${sum(({ openUploads }) => openUploads)}`],
      ],
    ),
    verdict(violations),
  ].join('\n\n');
}

export function outageTables({
  uploads,
  records,
  recoverySeconds,
  observed,
  violations,
}: OutageResult): string {
  const rows = [...uploads].map(([phase, ofPhase]) => {
    const times = ofPhase.flatMap(({ closeMs }) => closeMs ?? []).sort((a, b) => a - b);
    const at = (share: number) => fixed(times[Math.ceil(times.length * share) - 1], 1);
    const acknowledged = ofPhase.filter(isAcknowledged).length;
    return [phase, `${ofPhase.length}`, `${acknowledged}`, at(0.5), at(0.99), at(1)];
  });
  return [
    table(['SQS', 'Uploads', 'Acknowledged', 'CLOSE ms median', 'p99', 'max'], rows),
    table(
      ['All phases', ''],
      [
        ['jobs written into the outbox', `${records}`],
        ...jobRows(observed),
        ['seconds from the end of the outage to the last of its jobs', fixed(recoverySeconds, 1)],
      ],
    ),
    verdict(violations),
  ].join('\n\n');
}

export function drainTables({ uploads, seconds, exitCode, observed, violations }: DrainResult): string {
  const inOrder = GOES_ON.flatMap((when) => uploads.filter(({ goesOn }) => goesOn === when));
  const byKind = groups(inOrder, ({ stage, goesOn }) => `${stage}, goes on ${goesOn}`);
  const rows = [...byKind].map(([name, ofKind]) => {
    const acknowledged = ofKind.filter(({ upload }) => isAcknowledged(upload)).length;
    return [name, `${ofKind.length}`, `${acknowledged}`, `${ofKind.length - acknowledged}`];
  });
  const answers = groups(uploads, ({ upload }) => answerOf(upload));
  return [
    table(['At SIGTERM', 'Uploads', 'Acknowledged', 'Failed'], rows),
    table(
      ['All uploads', ''],
      [
        ...[...answers].map(([answer, { length }]) => [answer, `${length}`]),
        ...jobRows(observed),
        ['multipart uploads left open', `${observed.openUploads}`],
        ['seconds from SIGTERM to the end', fixed(seconds, 1)],
        ['exit code', `${exitCode}`],
      ],
    ),
    verdict(violations),
  ].join('\n\n');
}

function jobRows({ jobs }: Observed): string[][] {
  const ids = groups(jobs, ({ id }) => id);
  const again = [...ids.values()].filter(({ length }) => length > 1);
  return [
    ['jobs, by id', `${ids.size}`],
    ['of these, received more than once', `${again.length}`],
  ];
}

function answerOf({ closed, renamed }: SentUpload): string {
  const request = renamed === undefined ? 'CLOSE' : 'RENAME';
  const answer = renamed ?? closed;
  if (answer === undefined) return 'cut off before CLOSE';
  if (answer === 'lost') return `${request} without an answer`;
  return `${request} ${answer === 'ok' ? 'acknowledged' : 'refused'}`;
}

function verdict(violations: readonly Violation[]): string {
  if (violations.length === 0) return 'Every promise was kept.';
  const rules = groups(violations, ({ rule }) => rule);
  const lines = violations.slice(0, MOST_TOLD).map(({ rule, what }) => `- ${rule}: ${what}`);
  const more = violations.length > MOST_TOLD ? [`- and ${violations.length - MOST_TOLD} more`] : [];
  const rows = [...rules].map(([rule, { length }]) => [rule, `${length}`]);
  return [table(['VIOLATED', ''], rows), [...lines, ...more].join('\n')].join('\n\n');
}
