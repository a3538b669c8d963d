import type { MemoryAllowance } from '../contract/memory.ts';

/** A share of an allowance: whoever reserves through it has at most `maxBytes()` of it at once, all together. */
export function withLimit(allowance: MemoryAllowance, maxBytes: () => number): MemoryAllowance {
  let used = 0;
  return {
    tryReserve(bytes) {
      if (used + bytes > maxBytes() || !allowance.tryReserve(bytes)) return false;
      used += bytes;
      return true;
    },
    release(bytes) {
      used -= bytes;
      allowance.release(bytes);
    },
  };
}
