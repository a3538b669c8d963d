import { Announcer } from './announcer.ts';
import { type ConnectionState, listen } from './connection.ts';
import { byId, element, setAttribute, setText } from './dom.ts';
import { endedUploads } from './ended-uploads.ts';
import { formatAgo, formatElapsed } from './format.ts';
import { jobs } from './jobs.ts';
import { liveUploads } from './live-uploads.ts';
import { Model } from './model.ts';
import { sessions } from './sessions.ts';
import { summary } from './summary.ts';
import { startTheme } from './theme.ts';
import { UploadView } from './upload-view.ts';

const UPLOAD_ROUTE = /^#\/uploads\/(.+)$/;

const CONNECTION_TEXTS: Readonly<Record<ConnectionState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Connection lost',
};

const model = new Model();
const announcer = new Announcer(byId('announcer'));
const main = byId('main');
const notice = byId('notice');
const head = summary(model);
const tables = [liveUploads(model), endedUploads(model), sessions(model), jobs(model)];
const nodes = tables.map(({ node }) => node);
const overview = element(
  'div',
  { class: 'overview' },
  element('div', { class: 'column' }, ...nodes.slice(0, 2)),
  element('div', { class: 'column' }, ...nodes.slice(2)),
);
let view: UploadView | undefined;
let connection: ConnectionState = 'connecting';
/** Where somebody was before an upload was opened: there focus returns to. */
let openedFrom: string | undefined;

function show(): void {
  setText(byId('connection-text'), CONNECTION_TEXTS[connection]);
  setAttribute(byId('connection'), 'data-state', connection);
  setAttribute(main, 'data-stale', connection === 'lost' && model.about ? 'true' : undefined);
  notice.hidden = connection !== 'lost';
  setText(
    notice,
    model.about === undefined
      ? 'The server does not answer. Trying again …'
      : `Connection lost. Trying again … What you see was told ${formatAgo(model.silenceMs)}.`,
  );
  if (model.about === undefined) return;
  const { service, version, backend, startedAt } = model.about;
  setText(
    byId('about'),
    `${service} ${version}, ${backend} backend, up ${formatElapsed(model.now - startedAt)}`,
  );
  head.show();
  if (view === undefined) for (const table of tables) table.show();
  else view.show();
}

/** Once a frame at most, and not at all while nobody looks. */
let isScheduled = false;
function showSoon(): void {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    show();
  });
}

function route(): void {
  const id = UPLOAD_ROUTE.exec(location.hash)?.[1];
  const wasOpen = view !== undefined;
  view = id === undefined ? undefined : new UploadView(model, decode(id));
  if (view !== undefined && !wasOpen) openedFrom = location.hash;
  overview.hidden = view !== undefined;
  main.replaceChildren(head.node, ...(view === undefined ? [] : [view.node]), overview);
  show();
  if (view !== undefined) {
    window.scrollTo(0, 0);
    view.heading.focus({ preventScroll: true });
  } else if (wasOpen) {
    overview.querySelector<HTMLElement>(`a[href="${CSS.escape(openedFrom ?? '')}"]`)?.focus();
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

listen({
  onState: (state) => {
    model.takeState(state);
    main.removeAttribute('aria-busy');
    showSoon();
  },
  onUpdate: (update) => {
    model.takeUpdate(update);
    for (const { result, path } of update.ended ?? []) if (result !== 'ok') announcer.uploadFailed(path);
    showSoon();
  },
  onConnection: (now) => {
    if (now === connection) return;
    if (now === 'lost') announcer.say('Connection lost. Trying again.');
    else if (connection === 'lost') announcer.say('Connected again.');
    connection = now;
    showSoon();
  },
});

startTheme(byId('theme'));
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener('hashchange', route);
setInterval(() => {
  head.tick();
  showSoon();
}, 1000);
route();
