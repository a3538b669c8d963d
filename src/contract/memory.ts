/** A process-wide allowance for buffered bytes, as far as a room may use it that must never wait for memory. */
export interface MemoryAllowance {
  /** Whether `bytes` are granted, now or not at all. What is granted is given back by `release`. */
  tryReserve(bytes: number): boolean;
  release(bytes: number): void;
}
