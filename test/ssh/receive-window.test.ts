import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import { holdWindows } from '../../src/buffers/hold-windows.ts';
import { ReceiveWindow } from '../../src/ssh/receive-window.ts';
import { KiB, MiB, type RawSession } from '../clients/ssh2-client.ts';
import { watchUploads } from '../support/sftp-driver.ts';
import { open, UPLOAD, write } from '../support/sftp-packets.ts';
import { type InProcess, startInProcess } from './in-process.ts';

/** A client at the other end of a line that carries whatever it is given, and takes its time. */
class FarClient {
  readonly window: ReceiveWindow;
  #now = 0;
  /** Bytes that it may send, as it has heard. */
  left = 2 * MiB;

  constructor(hold = holdWindows(new MemoryBudget(256 * MiB))) {
    const grant = (bytes: number) => {
      this.left += bytes;
    };
    this.window = new ReceiveWindow({ grant, hold, now: () => this.#now });
  }

  /** The server's first words, and the first thing that the client says to them. */
  begins(roundTripMs: number): void {
    this.window.spoken();
    this.#now += roundTripMs;
    this.window.received(20);
    this.window.taken(20);
  }

  /** So many bytes in so much time, in reads of 32 KiB. */
  sends(bytes: number, ms: number): void {
    const reads = bytes / (32 * KiB);
    for (let read = 0; read < reads; read++) {
      this.#now += ms / reads;
      this.left -= 32 * KiB;
      this.window.received(32 * KiB);
      this.window.taken(32 * KiB);
    }
  }

  /** For so many round trips, as much in each as the window lets through. */
  sendsAll(roundTrips: number, roundTripMs: number): number[] {
    return Array.from({ length: roundTrips }, () => {
      this.sends(this.window.bytes, roundTripMs);
      return this.window.bytes / MiB;
    });
  }
}

describe('a window', () => {
  test('of a client that is far away grows with what its line carries, up to 16 MiB', () => {
    const client = new FarClient();
    client.begins(50);
    const sizes = client.sendsAll(8, 50);
    expect(sizes[0]).toBeLessThan(5);
    expect(sizes.at(-1)).toBe(16);
  });

  test('stays as it is on a slow line, and near by', () => {
    const slow = new FarClient();
    slow.begins(50);
    slow.sends(32 * MiB, 32_000);
    expect(slow.window.bytes).toBe(2 * MiB);
    const near = new FarClient();
    near.begins(0.3);
    near.sends(512 * MiB, 1_000);
    expect(near.window.bytes).toBe(2 * MiB);
  });

  test('is not what a client makes of it that takes its time later', () => {
    const client = new FarClient();
    client.begins(0.3);
    client.sends(1 * MiB, 5_000);
    client.sends(512 * MiB, 1_000);
    expect(client.window.bytes).toBe(2 * MiB);
  });

  test('is opened again by what the session has taken, and not by what waits for it', () => {
    const client = new FarClient();
    client.left -= 2 * MiB;
    client.window.received(2 * MiB);
    client.window.taken(256 * KiB);
    expect(client.left).toBe(0);
    client.window.taken(256 * KiB);
    expect(client.left).toBe(512 * KiB);
    client.window.taken(1536 * KiB);
    expect(client.left).toBe(2 * MiB);
  });

  test('is held against the budget: a quarter of it for all of them, nothing while an upload waits', async () => {
    const budget = new MemoryBudget(64 * MiB, { lingerMs: 0 });
    const hold = holdWindows(budget);
    const [one, two] = [new FarClient(hold), new FarClient(hold)];
    for (const client of [one, two]) client.begins(50);
    one.sendsAll(8, 50);
    two.sendsAll(8, 50);
    expect(one.window.bytes).toBe(16 * MiB);
    expect(two.window.bytes).toBeLessThan(5 * MiB);
    expect(budget.reservableBytes).toBeLessThan(64 * MiB - 14 * MiB);
    one.window.free();
    two.window.free();
    await expect.poll(() => budget.reservableBytes).toBe(64 * MiB);
    const gone = new AbortController();
    await budget.reserve(64 * MiB, gone.signal);
    const waits = budget.reserve(1 * MiB, gone.signal)?.catch(() => undefined);
    expect(hold(1)).toBeUndefined();
    gone.abort();
    await waits;
    expect(hold(1)).toBeTypeOf('function');
  });
});

describe('over ssh2, whose windows are constants', () => {
  let running: InProcess;
  afterEach(() => running.close());

  /** The most that the client may send, as it has heard; it goes on until that is more than ssh2 has it, or for 128 MiB. */
  async function largestWindow(session: RawSession): Promise<number> {
    const { outgoing } = session.channel as unknown as { readonly outgoing: { readonly window: number } };
    const reply = await session.send(open(1, '/a', UPLOAD));
    if (reply.kind !== 'handle') throw new Error(`OPEN was answered by ${reply.kind}`);
    let largest = outgoing.window;
    for (let offset = 0; offset < 128 * MiB && largest <= 2 * MiB; offset += MiB) {
      const writes = Array.from({ length: 16 }, (_, index) =>
        session.send(write(index, reply.handle, offset + index * 64 * KiB, Buffer.alloc(64 * KiB))),
      );
      for (const written of writes) {
        expect(await written).toMatchObject({ code: 0 });
        largest = Math.max(largest, outgoing.window);
      }
    }
    return largest;
  }

  test('a client that takes 300 ms to go on may send more than 2 MiB at once', async () => {
    running = await startInProcess(watchUploads().backend);
    const session = await (await running.connect()).client.open();
    await delay(300);
    expect(await largestWindow(session)).toBeGreaterThan(2 * MiB);
  });

  test('one for which there is no memory may not', async () => {
    running = await startInProcess(watchUploads().backend, { holdWindow: () => undefined });
    const session = await (await running.connect()).client.open();
    await delay(300);
    expect(await largestWindow(session)).toBeLessThanOrEqual(2 * MiB);
  });
});
