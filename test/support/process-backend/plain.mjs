// A child that answers by hand, without code of Sluice's: whole files in a Map, the eight operations and nothing else.
const files = new Map();
const refuse = (code) => {
  throw Object.assign(new Error(code), { code });
};
const there = (path) => files.get(path) ?? refuse('ENOENT');

const operations = {
  list_dir: () => ({
    entries: [...files].map(([path, bytes]) => ({ name: path.slice(1), type: 'file', size: bytes.length })),
  }),
  file_info: ({ path }) =>
    path === '/' ? { type: 'directory' } : { type: 'file', size: there(path).length },
  make_dir: () => refuse('EROFS'),
  del_dir: () => refuse('EROFS'),
  delete: ({ path }) => {
    there(path);
    files.delete(path);
  },
  rename: ({ path, to }) => {
    files.set(to, there(path));
    files.delete(path);
  },
  write_file: ({ path, bytes, session, trace }) => {
    files.set(path, bytes);
    if (trace !== undefined) files.set('/trace', Buffer.from(JSON.stringify(trace)));
    if (session !== undefined) files.set('/session', Buffer.from(JSON.stringify(session)));
  },
};

process.on('message', ({ id, op, ...fields }) => {
  if (op === 'read_file') {
    const bytes = files.get(fields.path);
    process.send(bytes ? { id, bytes } : { id, error: { code: 'ENOENT' } });
    return;
  }
  try {
    const operation = operations[op] ?? refuse('ENOTSUP');
    process.send({ id, ok: operation(fields) });
  } catch ({ code, message }) {
    process.send({ id, error: { code, message } });
  }
});
