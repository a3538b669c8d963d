/** Values by name, each made when it is first asked for. Of more than `limit` the one goes that was not asked for longest. */
export class Recent<V> {
  readonly #values = new Map<string, V>();
  readonly #limit: number;
  readonly #onGone: (value: V) => void;

  constructor(limit: number, onGone: (value: V) => void = () => undefined) {
    this.#limit = limit;
    this.#onGone = onGone;
  }

  get(name: string, make: () => V): V {
    const value = this.#values.get(name) ?? make();
    // A map keeps the order in which its entries were set.
    this.#values.delete(name);
    this.#values.set(name, value);
    if (this.#values.size > this.#limit) this.#dropOldest();
    return value;
  }

  values(): V[] {
    return [...this.#values.values()];
  }

  #dropOldest(): void {
    for (const [name, value] of this.#values) {
      this.#values.delete(name);
      this.#onGone(value);
      return;
    }
  }
}
