import { generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import ssh2 from 'ssh2';
import { ALGORITHMS, toSsh2Algorithms } from '../../../src/ssh/algorithms.ts';
import { Discard } from './discard.ts';

// Listens on a port of 127.0.0.1 that it prints, lets everyone in, keeps nothing.
const hostKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'sec1',
  format: 'pem',
});
const server = new ssh2.Server(
  { hostKeys: [hostKey], algorithms: toSsh2Algorithms(ALGORITHMS.modern) },
  (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('subsystem', (acceptSubsystem) => {
        const channel = acceptSubsystem();
        const discard = new Discard((replies) => channel.write(replies));
        channel.on('data', (chunk: Buffer) => discard.receive(chunk));
        channel.on('end', () => {
          channel.exit(0);
          channel.end();
        });
      });
    });
  },
);
const listener = createServer({ noDelay: true }, (socket) => server.injectSocket(socket));
listener.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(listener.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit());
