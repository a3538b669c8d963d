import { connect, createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

// A line to a server that is far away, as its own process: `--to PORT --round-trip MS`. It carries as much as one likes, and
// everything comes out half a round trip after it went in.
const { values } = parseArgs({
  options: { to: { type: 'string', default: '' }, 'round-trip': { type: 'string', default: '0' } },
});
const oneWayMs = Number(values['round-trip']) / 2;

/** As much as may be under way in each direction, in bytes: what a long fat line holds. */
const MOST_UNDER_WAY = 64 * 1024 * 1024;

function carry(from: Socket, to: Socket): void {
  const underWay: { readonly due: number; readonly bytes: Buffer | undefined }[] = [];
  let held = 0;
  let timer: NodeJS.Timeout | undefined;

  const deliver = () => {
    timer = undefined;
    for (let first = underWay[0]; first !== undefined; first = underWay[0]) {
      const wait = first.due - performance.now();
      if (wait > 0) {
        timer = setTimeout(deliver, Math.ceil(wait));
        return;
      }
      underWay.shift();
      if (first.bytes === undefined) return void to.end();
      held -= first.bytes.length;
      const hasRoom = to.write(first.bytes);
      if (from.isPaused() && held < MOST_UNDER_WAY) from.resume();
      if (!hasRoom) return void to.once('drain', deliver);
    }
  };

  const accept = (bytes: Buffer | undefined) => {
    const wasEmpty = underWay.length === 0;
    underWay.push({ due: performance.now() + oneWayMs, bytes });
    held += bytes?.length ?? 0;
    if (held >= MOST_UNDER_WAY) from.pause();
    if (wasEmpty && timer === undefined && !to.writableNeedDrain) timer = setTimeout(deliver, oneWayMs);
  };

  from.on('data', accept);
  from.once('end', () => accept(undefined));
  from.once('error', () => to.destroy());
  from.once('close', () => (from.readableEnded ? undefined : to.destroy()));
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ host: '127.0.0.1', port: Number(values.to), allowHalfOpen: true, noDelay: true });
  carry(near, far);
  carry(far, near);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  process.stdout.write(`${JSON.stringify({ msg: 'listening', port })}\n`);
});
