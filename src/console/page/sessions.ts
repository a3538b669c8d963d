import type { SessionMessage } from '../messages.ts';
import { Ago, Section } from './cells.ts';
import { element, KeyedRows, type Row, setText } from './dom.ts';
import { formatBytes } from './format.ts';
import type { Model } from './model.ts';

const ROWS = 200;

/** Who is logged in, in the order in which they came. */
export function sessions(model: Model): { readonly node: HTMLElement; show(): void } {
  const section = new Section(
    'sessions',
    'Sessions',
    ['User|wide', 'In|number', 'Out|number', 'Since|number'],
    ['Nobody is logged in.', 'Sessions appear here once a client has authenticated.'],
  );
  const rows = new KeyedRows<SessionMessage>(
    section.body,
    ({ id }) => id,
    (session) => sessionRow(model, session),
  );
  return {
    node: section.node,
    show: () => {
      const everyone = [...model.sessions.values()];
      const shown = everyone.slice(0, ROWS);
      rows.show(shown);
      section.setCount(everyone.length, shown.length);
    },
  };
}

function sessionRow(model: Model, session: SessionMessage): Row<SessionMessage> {
  const { username, clientAddress, clientVersion, connectedAt } = session;
  const bytesIn = element('td', { class: 'number' });
  const bytesOut = element('td', { class: 'number' });
  const ago = new Ago(connectedAt);
  const from = `${clientAddress}, ${clientVersion}`;
  const client = element('span', { class: 'reason', title: from }, from);
  const node = element(
    'tr',
    {},
    element('th', { scope: 'row', class: 'wide' }, element('span', { class: 'name' }, username), client),
    bytesIn,
    bytesOut,
    element('td', { class: 'number' }, ago.node),
  );
  const update = (now: SessionMessage): void => {
    setText(bytesIn, formatBytes(now.bytesIn));
    setText(bytesOut, formatBytes(now.bytesOut));
    ago.update(model.now);
  };
  return { node, update };
}
