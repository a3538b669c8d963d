import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** From the client to the server, or back. */
export type Direction = 'up' | 'down';

/** Stands between clients and the server, counts what passes, and stops it at a chosen byte. */
export interface Gate {
  readonly port: number;
  /** Bytes that have passed since the gate was opened, SSH's own among them. */
  passed(direction: Direction): number;
  /**
   * Lets about so many bytes more pass, then none until `cut`: who sends then waits. Resolves in that moment.
   */
  hold(direction: Direction, bytes: number): Promise<void>;
  /** Ends every connection; new ones pass freely again. */
  cut(): void;
  close(): Promise<void>;
}

export async function createGate(target: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  const passed = { up: 0, down: 0 };
  const limits = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  const reached = { up: () => undefined, down: () => undefined } as Record<Direction, () => void>;

  /** Whoever is held is never called back: streams then wait for it, all the way to the client. */
  const counter = (direction: Direction) =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        passed[direction] += chunk.length;
        this.push(chunk);
        if (passed[direction] < limits[direction]) done();
        else reached[direction]();
      },
    });

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    client.pipe(counter('up')).pipe(upstream);
    upstream.pipe(counter('down')).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.setNoDelay();
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroySoon();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = () => {
    limits.up = Number.POSITIVE_INFINITY;
    limits.down = Number.POSITIVE_INFINITY;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    passed: (direction) => passed[direction],
    hold: (direction, bytes) => {
      limits[direction] = passed[direction] + bytes;
      return new Promise((resolve) => {
        reached[direction] = resolve;
      });
    },
    cut,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
