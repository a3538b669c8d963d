import { element, setAttribute, setText } from './dom.ts';
import { formatAgo, splitPath } from './format.ts';

/** A table with its name, the heads of its columns, and what stands there while it is empty. */
export class Section {
  readonly node: HTMLElement;
  readonly body = element('tbody');
  readonly heading: HTMLElement;
  readonly tools = element('div', { class: 'tools' });
  readonly #count = element('span', { class: 'count' });
  readonly #empty: HTMLElement;
  readonly #table: HTMLElement;
  readonly #more = element('p', { class: 'hint' });

  constructor(id: string, title: string, columns: readonly string[], empty: readonly string[]) {
    this.heading = element('h2', { id: `${id}-title` }, title);
    const heads = columns.map((column) => {
      const [name = '', kind] = column.split('|');
      return element('th', { scope: 'col', class: kind }, name);
    });
    this.#table = element(
      'table',
      { 'aria-labelledby': `${id}-title` },
      element('thead', {}, element('tr', {}, ...heads)),
      this.body,
    );
    const [first = '', second = ''] = empty;
    this.#empty = element('p', { class: 'empty' }, element('strong', {}, first), ` ${second}`);
    this.node = element(
      'section',
      { class: 'panel', id, 'aria-labelledby': `${id}-title` },
      element('header', {}, this.heading, this.#count, this.tools),
      this.#empty,
      element('div', { class: 'scroll' }, this.#table),
      this.#more,
    );
  }

  /** `count` of the whole, of which `shown` are in the table. */
  setCount(count: number, shown: number): void {
    setText(this.#count, String(count));
    this.#empty.hidden = shown > 0;
    this.#table.hidden = shown === 0;
    this.#more.hidden = shown >= count || shown === 0;
    setText(this.#more, `${count - shown} more are not shown.`);
  }

  setEmptyText(first: string, second: string): void {
    setText(this.#empty.firstChild as Node, first);
    setText(this.#empty.lastChild as Node, ` ${second}`);
  }
}

/** A path whose end stays in sight; a link where there is something to see behind it. */
export function pathCell(path: string, href?: string): HTMLElement {
  const { folder, name } = splitPath(path);
  const parts = [element('span', { class: 'folder' }, folder), element('span', { class: 'name' }, name)];
  const attributes = { class: 'path', title: path };
  return href === undefined
    ? element('span', attributes, ...parts)
    : element('a', { ...attributes, href, 'aria-label': path }, ...parts);
}

/** A moment as how long ago it was, with the exact one behind it. */
export class Ago {
  readonly node: HTMLElement;
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
    const moment = new Date(at);
    this.node = element('time', { datetime: moment.toISOString(), title: moment.toLocaleString() });
  }

  update(now: number): void {
    setText(this.node, formatAgo(now - this.#at));
  }
}

/** A word about what became of something, told by more than its colour. */
export function mark(node: HTMLElement, kind: 'good' | 'bad' | 'odd' | 'busy', text: string): void {
  setAttribute(node, 'class', `mark ${kind}`);
  setText(node, text);
}

export function uploadHref(id: string): string {
  return `#/uploads/${encodeURIComponent(id)}`;
}
