/** Plain data with a payload: what passes between Sluice and a backend elsewhere. */
export interface Message {
  readonly [field: string]: unknown;
  readonly bytes?: Uint8Array | undefined;
}

/** Who hears what comes through a {@link Channel}. */
export interface Receiver {
  /** Of a message that nobody has looked at yet. */
  message(message: unknown): void;
  /** Once, when nothing comes any more; `cause` tells why, where that is known. */
  closed(cause?: unknown): void;
}

/** A way to whoever is at the other end: messages arrive whole, in order, or the channel closes. */
export interface Channel {
  /** Whether memory moves from one side to the other with `bytes`: it is worth giving it back then. */
  readonly movesMemory?: boolean;
  /**
   * Never throws and never waits; what is sent after the close is lost. `bytes` are the channel's from then on, and with them the
   * memory that they lie in: it may be handed to another thread.
   */
  send(message: Message): void;
  /** To be called once, before the event loop turns: what comes before it may be lost. */
  receive(receiver: Receiver): void;
  /** Closes it, and ends what was started for its sake. Resolves when that has ended. */
  close(): Promise<void>;
}

/** Bytes that are nobody else's, as {@link Channel.send} wants them. Not `slice`: on a Buffer that is a view. */
export function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
