import type { Pace } from '../contract/pace.ts';
import { TokenBucket } from './token-bucket.ts';

/** Makes those wait who are ahead of a bucket. */
export class BucketPace implements Pace {
  readonly bucket: TokenBucket;

  constructor(bytesPerSecond: number) {
    this.bucket = new TokenBucket(bytesPerSecond);
  }

  take(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    const waitMs = this.bucket.take(bytes);
    return waitMs === 0 || signal.aborted ? undefined : pause(waitMs, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
