import type { RecordedSpan } from '../../contract/activity.ts';
import { formatBytes } from './format.ts';

/** What of a span is worth a glance: why it failed, how much it was about. */
export function toRemarks({ attributes, error }: Pick<RecordedSpan, 'attributes' | 'error'>): string {
  const has = (name: string, describe: (value: number) => string) => {
    const value = attributes[name];
    return typeof value === 'number' ? describe(value) : '';
  };
  const code = attributes['sluice.result'] ?? attributes['error.type'] ?? 'failed';
  const place = attributes['sluice.job.place'];
  return [
    error === undefined ? '' : `✕ ${code === error ? code : `${code}: ${error}`}`,
    has('aws.s3.part_number', (number) => `part ${number}`),
    has('sluice.bytes', formatBytes),
    has('sluice.write.count', (count) => `${count} ${count === 1 ? 'write' : 'writes'}`),
    has('http.request.resend_count', (count) => (count === 0 ? '' : `sent ${count + 1} times`)),
    place === undefined ? '' : `to the ${place}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
