import type { UploadMessage } from '../messages.ts';
import { formatElapsed } from './format.ts';

export interface Progress {
  /** 0 to 1; undefined where nobody has said how long the file will be. */
  readonly share: number | undefined;
  readonly text: string;
}

export function describeProgress(
  { bytes, expectedBytes, isFinishing }: Pick<UploadMessage, 'bytes' | 'expectedBytes' | 'isFinishing'>,
  bytesPerSecond: number | undefined,
): Progress {
  if (isFinishing) return { share: 1, text: 'storing' };
  if (expectedBytes === null || expectedBytes <= 0) return { share: undefined, text: 'receiving' };
  const share = Math.min(bytes / expectedBytes, 1);
  const percent = `${Math.floor(share * 100)} %`;
  if (!bytesPerSecond || share === 1) return { share, text: percent };
  return {
    share,
    text: `${percent}, ${formatElapsed(((expectedBytes - bytes) / bytesPerSecond) * 1000)} left`,
  };
}
