import type { ServerChannel } from 'ssh2';
import { numbersOf, type Protocol } from './ssh2-internals.ts';

/** What the client sends on one channel, and how much of it may come. */
export interface ChannelInput {
  /** From now on `take` is given the bytes, which are there until it returns; the stream of the channel only ends. */
  divert(take: (data: Buffer) => void): void;
  /** Lets the client send so many bytes more (RFC 4254, section 5.2). */
  readonly grant: (bytes: number) => void;
}

/**
 * A way past the streams of ssh2's channels, which keep what nobody reads yet and know windows of one size. Whatever is not
 * diverted goes there as before, as a copy.
 */
export class ChannelInputs {
  readonly #protocol: Protocol;
  /** By the number of the channel here. */
  readonly #takers = new Map<number, (data: Buffer) => void>();

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
    const { CHANNEL_DATA: others } = protocol._handlers;
    protocol._handlers.CHANNEL_DATA = (from, id, data) => {
      const take = this.#takers.get(id);
      if (take === undefined) others(from, id, Buffer.from(data));
      else take(data);
    };
  }

  of(channel: ServerChannel): ChannelInput {
    const { incoming, outgoing } = numbersOf(channel);
    return {
      divert: (take) => {
        this.#takers.set(incoming.id, take);
        channel.once('close', () => {
          // Another channel may have the number already.
          if (this.#takers.get(incoming.id) === take) this.#takers.delete(incoming.id);
        });
      },
      grant: (bytes) => {
        if (outgoing.state !== 'closed') this.#protocol.channelWindowAdjust(outgoing.id, bytes);
      },
    };
  }
}
