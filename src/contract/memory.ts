/**
 * The process-wide allowance for buffered bytes, as one who can do with less sees it. Whoever wants to hold bytes
 * asks first and gives back what it was granted, once; nothing here allocates.
 */
export interface MemoryAllowance {
  /** Grants `bytes`, all or none, and says whether it did. Never waits, and never goes before one who does. */
  tryReserve(bytes: number): boolean;

  /** Gives back bytes that were granted. */
  release(bytes: number): void;
}
