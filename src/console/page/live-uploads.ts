import type { UploadMessage } from '../messages.ts';
import { pathCell, Section, uploadHref } from './cells.ts';
import { element, KeyedRows, type Row, setText } from './dom.ts';
import { formatBytes, formatElapsed, formatRate } from './format.ts';
import type { Model } from './model.ts';
import { describeProgress } from './progress.ts';

/** Rows that a browser draws twice a second without effort. */
const ROWS = 200;

/** The uploads in progress, in the order in which they began. */
export function liveUploads(model: Model): { readonly node: HTMLElement; show(): void } {
  const section = new Section(
    'uploads',
    'Uploads in progress',
    ['File|wide', 'User', 'Progress|progress', 'Size|number', 'Rate|number', 'Time|number'],
    ['Nothing is being uploaded.', 'A file appears here as soon as a client opens it for writing.'],
  );
  const rows = new KeyedRows<UploadMessage>(
    section.body,
    ({ id }) => id,
    (upload) => uploadRow(model, upload),
  );
  return {
    node: section.node,
    show: () => {
      const uploads = [...model.uploads.values()];
      const shown = uploads.slice(0, ROWS);
      rows.show(shown);
      section.setCount(uploads.length, shown.length);
    },
  };
}

function uploadRow(model: Model, { id, path, username, startedAt }: UploadMessage): Row<UploadMessage> {
  const bar = element('progress', { 'aria-label': `Progress of ${path}` });
  const state = element('span', { class: 'progress-text' });
  const size = element('td', { class: 'number' });
  const rate = element('td', { class: 'number' });
  const time = element('td', { class: 'number' });
  const node = element(
    'tr',
    {},
    element('th', { scope: 'row', class: 'wide' }, pathCell(path, uploadHref(id))),
    element('td', {}, username),
    element('td', { class: 'progress' }, bar, state),
    size,
    rate,
    time,
  );
  const update = (upload: UploadMessage): void => {
    const bytesPerSecond = model.rateOf(id);
    const { share, text } = describeProgress(upload, bytesPerSecond);
    if (share === undefined) bar.removeAttribute('value');
    else bar.value = share;
    bar.className = upload.isFinishing ? 'finishing' : '';
    setText(state, text);
    setText(size, formatBytes(upload.bytes));
    setText(rate, upload.isFinishing ? '–' : formatRate(bytesPerSecond));
    setText(time, formatElapsed(model.now - startedAt));
  };
  return { node, update };
}
