import { serveBackendOn } from 'sluice/process';
import { createShelf } from './shelf.ts';

const [, , socket] = process.argv;
if (socket === undefined) {
  console.error('usage: npm start -- SOCKET');
  process.exit(2);
}

const server = await serveBackendOn(socket, createShelf());
console.log(`serving on ${socket}`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close();
    process.exit(0);
  });
}
