type Attributes = Readonly<Record<string, string | undefined>>;

/** An element with its attributes and content. What is content is text or elements: nothing is ever read as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...content: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  made.append(...content);
  return made;
}

/** Touches the document only where something is different, so that a redrawing costs nothing and disturbs no reader. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node: Element, name: string, value: string | undefined): void {
  if (value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

export interface Row<T> {
  readonly node: HTMLElement;
  update(item: T): void;
}

/**
 * Keeps the children of a node in step with a list. A row lives as long as its item, so that focus and selection stay where
 * they are while numbers change around them.
 */
export class KeyedRows<T> {
  readonly #parent: HTMLElement;
  readonly #identify: (item: T) => string;
  readonly #create: (item: T) => Row<T>;
  #rows = new Map<string, Row<T>>();

  constructor(parent: HTMLElement, identify: (item: T) => string, create: (item: T) => Row<T>) {
    this.#parent = parent;
    this.#identify = identify;
    this.#create = create;
  }

  show(items: readonly T[]): void {
    const rows = new Map<string, Row<T>>();
    for (const item of items) {
      const key = this.#identify(item);
      const row = this.#rows.get(key) ?? this.#create(item);
      row.update(item);
      rows.set(key, row);
    }
    for (const [key, { node }] of this.#rows) if (!rows.has(key)) node.remove();
    this.#rows = rows;
    let next = this.#parent.firstElementChild;
    for (const { node } of rows.values()) {
      if (node === next) next = next.nextElementSibling;
      else this.#parent.insertBefore(node, next);
    }
  }
}
