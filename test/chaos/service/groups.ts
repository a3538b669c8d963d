/** Items by what `by` makes of each, in the order in which they come. */
export function groups<K, T>(items: Iterable<T>, by: (item: T) => K): Map<K, T[]> {
  const found = new Map<K, T[]>();
  for (const item of items) {
    const group = found.get(by(item));
    if (group === undefined) found.set(by(item), [item]);
    else group.push(item);
  }
  return found;
}
