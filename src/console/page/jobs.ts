import type { JobMessage } from '../messages.ts';
import { Ago, mark, pathCell, Section, uploadHref } from './cells.ts';
import { element, KeyedRows, type Row } from './dom.ts';
import type { Model } from './model.ts';

const TYPES: Readonly<Record<JobMessage['type'], string>> = {
  finished: 'Delivery',
  renamed: 'Rename',
  failed: 'Failure report',
};

export function describeType({ type }: JobMessage): string {
  return TYPES[type];
}

export function describePlace({ place }: JobMessage): string {
  if (place === 'queue') return 'queued';
  return place === 'outbox' ? 'in the outbox' : 'lost';
}

const MARKS = { queue: 'good', outbox: 'odd', nowhere: 'bad' } as const;

export function jobMark(job: JobMessage): HTMLElement {
  const node = element('span');
  mark(node, MARKS[job.place], describePlace(job));
  return node;
}

/** The jobs that were sent, newest first. */
export function jobs(model: Model): { readonly node: HTMLElement; show(): void } {
  const section = new Section(
    'jobs',
    'Jobs',
    ['File|wide', 'Where', 'Sent|number'],
    ['No job has been sent yet.', 'Each stored file gives one.'],
  );
  const rows = new KeyedRows<JobMessage>(
    section.body,
    ({ id, type, sentAt }) => `${id} ${type} ${sentAt}`,
    (job) => jobRow(model, job),
  );
  return {
    node: section.node,
    show: () => {
      rows.show(model.jobs);
      section.setCount(model.jobs.length, model.jobs.length);
    },
  };
}

function jobRow(model: Model, job: JobMessage): Row<JobMessage> {
  const ago = new Ago(job.sentAt);
  // Most are deliveries, which need no word.
  const type = job.type === 'finished' ? [] : [element('span', { class: 'reason' }, describeType(job))];
  const node = element(
    'tr',
    { 'data-state': job.place === 'nowhere' ? 'failed' : undefined },
    element('th', { scope: 'row', class: 'wide' }, pathCell(job.path, uploadHref(job.id)), ...type),
    element('td', {}, jobMark(job)),
    element('td', { class: 'number' }, ago.node),
  );
  return { node, update: () => ago.update(model.now) };
}
