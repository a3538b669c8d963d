import type { OutboxStore } from '../contract/outbox-store.ts';

/** A folder of a store as a store of its own: whoever reads the records of one meets none of the other. */
export function inFolder(store: OutboxStore, folder: string): OutboxStore {
  return {
    put: (name, text) => store.put(folder + name, text),
    replace: (name, text, etag) => store.replace(folder + name, text, etag),
    get: (name) => store.get(folder + name),
    list: async function* (below) {
      for await (const page of store.list(folder + below)) {
        yield page.map((entry) => ({ ...entry, name: entry.name.slice(folder.length) }));
      }
    },
    delete: (name) => store.delete(folder + name),
    storedFile: (location) => store.storedFile(location),
  };
}
