// A worker that behaves as its `workerData` says: it answers `hello`, and one operation in some wrong way.
import { parentPort, workerData } from 'node:worker_threads';

const REQUIRED = [
  'list_dir',
  'file_info',
  'make_dir',
  'del_dir',
  'delete',
  'rename',
  'read_file',
  'write_file',
];
const UPLOAD = ['begin_write', 'write_chunk', 'finish_write', 'abort_write'];

const behaviours = {
  silent: () => undefined,
  hung: () => {
    for (;;);
  },
  garbage: ({ id }) => [{ id, ok: 'nonsense' }],
  noise: ({ id }) => ['noise', null, { id: 'x' }, { id: 999 }, { id, ok: { type: 'file', size: 7 } }],
  unknownCode: ({ id }) => [{ id, error: { code: 'EWHATEVER', message: 'odd' } }],
};

parentPort.on('message', (request) => {
  const { id, op } = request;
  if (op === 'hello') {
    const ok = { version: 1, name: 'odd', operations: [...REQUIRED, ...UPLOAD, 'cancel'] };
    parentPort.postMessage({ id, ok });
  } else if (op === 'file_info') {
    const replies = behaviours[workerData](request);
    for (const reply of replies ?? []) parentPort.postMessage(reply);
  } else if (op === 'begin_write') {
    parentPort.postMessage({ id, ok: { size: 0 } });
  } else if (op === 'write_chunk') {
    // Taken, and never acknowledged.
    parentPort.postMessage({ id: 2 ** 40, ok: null });
  } else if (op === 'abort_write' || op === 'cancel') {
    parentPort.postMessage({ id, ok: null });
  }
});
