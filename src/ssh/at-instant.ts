/** The clock is looked at this often at least, in milliseconds: it may be set, and no timer runs for more than 24 days. */
const LONGEST_WAIT_MS = 3_600_000;

/** Runs something once the clock has come to an instant, in milliseconds since 1970. The returned function prevents that. */
export function atInstant(instant: number, run: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    const left = instant - Date.now();
    if (left <= 0) run();
    else timer = setTimeout(look, Math.min(left, LONGEST_WAIT_MS));
  };
  look();
  return () => clearTimeout(timer);
}
