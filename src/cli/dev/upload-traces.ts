import type { RecordedSpan } from '../../contract/activity.ts';
import { Attribute } from '../../telemetry/instruments.ts';
import type { RecentTraces } from '../../telemetry/recent-traces.ts';

interface Traced {
  readonly traceparent?: string | undefined;
}

export function traceIdOf({ traceparent }: Traced): string | undefined {
  return traceparent?.split('-')[1];
}

/** The spans of the upload that a job is about, once that has ended: a job is there before. */
export async function spansOfJob(traces: RecentTraces, job: Traced): Promise<readonly RecordedSpan[]> {
  const traceId = traceIdOf(job) ?? '';
  const known = () => traces.trace(traceId)?.spans ?? [];
  if (known().length === 0 || traces.hasEnded(traceId)) return known();
  return new Promise((resolve) => {
    const stop = traces.onUploadEnded((ended) => {
      if (ended !== traceId) return;
      stop();
      resolve(known());
    });
  });
}

/** Calls the listener with each upload that has failed. */
export function onFailedUpload(
  traces: RecentTraces,
  listener: (traceId: string, spans: readonly RecordedSpan[]) => void,
): void {
  traces.onUploadEnded((traceId) => {
    const spans = traces.trace(traceId)?.spans ?? [];
    if (spans.some((span) => span.parentSpanId === undefined && span.error !== undefined))
      listener(traceId, spans);
  });
}

/** A span's attribute as text, for people. */
export function attributeOf(
  span: RecordedSpan | undefined,
  name: keyof typeof Attribute,
): string | undefined {
  const value = span?.attributes[Attribute[name]];
  return value === undefined ? undefined : String(value);
}
