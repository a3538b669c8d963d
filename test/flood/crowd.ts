import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { address } from './site.ts';

// Keeps connections coming that say nothing: `crowd.ts PORT COUNT ADDRESSES`, until SIGTERM. A process of its own, so that it takes
// no time from the S3 that the server uploads to. Prints a line once all have come, and at its end how many there were.

/** Until somebody whom the server has sent away comes again, in milliseconds. */
const PAUSE_MS = 1000;

const [port = 0, count = 0, addresses = 1] = process.argv.slice(2).map(Number);
let connections = 0;

async function stand(localAddress: string): Promise<never> {
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    socket.on('error', () => undefined).resume();
    connections += 1;
    if (connections === count) process.stdout.write('all have come\n');
    await once(socket, 'close');
    await delay(PAUSE_MS);
  }
}

process.once('SIGTERM', () => {
  process.stdout.write(`${connections}\n`, () => process.exit());
});
for (let number = 0; number < count; number++) void stand(address(number % addresses));
