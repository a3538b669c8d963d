import type { EndedMessage, JobMessage } from '../messages.ts';
import { Ago, mark, pathCell, Section, uploadHref } from './cells.ts';
import { element, KeyedRows, type Row, setAttribute, setText } from './dom.ts';
import { explainResult, formatBytes, formatDuration, formatRate } from './format.ts';
import { describePlace } from './jobs.ts';
import type { Model } from './model.ts';

/** The uploads that have ended, newest first; only the failed ones when that is asked for. */
export function endedUploads(model: Model): { readonly node: HTMLElement; show(): void } {
  const section = new Section(
    'ended',
    'Finished uploads',
    ['Outcome', 'File|wide', 'User', 'Size|number', 'Took|number', 'Rate|number', 'Job', 'Ended|number'],
    ['', ''],
  );
  let onlyFailed = false;
  const all = element('button', { type: 'button', class: 'quiet' });
  const failed = element('button', { type: 'button', class: 'quiet' });
  section.tools.append(
    element('div', { class: 'choice', role: 'group', 'aria-label': 'Which uploads' }, all, failed),
  );
  const rows = new KeyedRows<EndedMessage>(
    section.body,
    ({ id, endedAt }) => `${id} ${endedAt}`,
    (upload) => endedRow(model, upload),
  );
  const show = (): void => {
    const bad = model.ended.filter(({ result }) => result !== 'ok');
    const shown = onlyFailed ? bad : model.ended;
    rows.show(shown);
    section.setCount(shown.length, shown.length);
    section.setEmptyText(
      onlyFailed && model.ended.length > 0 ? 'No upload has failed.' : 'No upload has ended yet.',
      onlyFailed && model.ended.length > 0
        ? `All of the last ${model.ended.length} are stored.`
        : 'Each stays here with its trace until 200 newer ones have come.',
    );
    setText(all, `All ${model.ended.length}`);
    setText(failed, `Failed ${bad.length}`);
    setAttribute(all, 'aria-pressed', String(!onlyFailed));
    setAttribute(failed, 'aria-pressed', String(onlyFailed));
  };
  const choose = (only: boolean) => () => {
    onlyFailed = only;
    show();
  };
  all.addEventListener('click', choose(false));
  failed.addEventListener('click', choose(true));
  return { node: section.node, show };
}

function endedRow(model: Model, upload: EndedMessage): Row<EndedMessage> {
  const { id, path, username, bytes, startedAt, endedAt, result } = upload;
  const outcome = element('span');
  const stored = result === 'ok';
  mark(outcome, stored ? 'good' : 'bad', stored ? 'Stored' : 'Failed');
  const lastedMs = endedAt - startedAt;
  const rate = stored && lastedMs > 0 ? (bytes * 1000) / lastedMs : undefined;
  const job = element('td');
  const ago = new Ago(endedAt);
  const reason = stored ? [] : [element('span', { class: 'reason' }, explainResult(result))];
  const node = element(
    'tr',
    { 'data-state': stored ? undefined : 'failed' },
    element('td', {}, outcome),
    element('th', { scope: 'row', class: 'wide' }, pathCell(path, uploadHref(id)), ...reason),
    element('td', {}, username),
    element('td', { class: 'number' }, formatBytes(bytes)),
    element('td', { class: 'number' }, formatDuration(lastedMs)),
    element('td', { class: 'number' }, formatRate(rate)),
    job,
    element('td', { class: 'number' }, ago.node),
  );
  const update = (): void => {
    setText(job, describeJobs(model.jobsOf(id)));
    ago.update(model.now);
  };
  return { node, update };
}

/** Where the job is; a failed upload may have a report instead. */
function describeJobs(jobs: readonly JobMessage[]): string {
  const [job] = jobs;
  return job === undefined ? '–' : describePlace(job);
}
