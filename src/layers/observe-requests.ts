import { ROOT_CONTEXT, type Tracer } from '@opentelemetry/api';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import { inSpan, ROOT } from '../telemetry/spans.ts';

/** Gives every request outside uploads a trace of its own, `sftp.<operation>`, with the backend's span below. */
export function observeRequests(tracer: Tracer) {
  return <T>(operation: string, path: string, run: () => Promise<T>): Promise<T> => {
    const attributes = { [Attribute.PATH]: path };
    return inSpan(tracer.startSpan(SpanName.request(operation), { ...ROOT, attributes }), ROOT_CONTEXT, run);
  };
}
