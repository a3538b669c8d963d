import { ROOT_CONTEXT, type Tracer } from '@opentelemetry/api';
import type { Connection, Principal } from '../contract/context.ts';
import { Activity, type Log } from '../contract/log.ts';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import { inSpan, ROOT, startSpan, toTraceFields, traceOfFailure } from '../telemetry/spans.ts';

/** Requests that do something, by the word for it; a file that is opened here is opened for reading. */
const ACTIVITIES = new Map([
  ['open', Activity.OPEN],
  ['remove', Activity.DELETE],
  ['rename', Activity.RENAME],
  ['mkdir', Activity.MKDIR],
  ['rmdir', Activity.RMDIR],
]);

/**
 * Gives every request outside uploads a trace of its own, `sftp.<operation>`, with the backend's span below, and a log line
 * to those that change something; downloads have theirs when they end.
 */
export function observeRequests(tracer: Tracer, log: Log) {
  return (principal: Principal, connection: Connection) => {
    const about = {
      user: principal.username,
      sessionId: connection.id,
      sourceIp: connection.clientAddress,
    };
    return {
      request<T>(operation: string, path: string, run: () => Promise<T>, targetPath?: string): Promise<T> {
        const attributes = {
          [Attribute.PATH]: path,
          ...(targetPath === undefined ? {} : { [Attribute.TARGET_PATH]: targetPath }),
        };
        const span = startSpan(tracer, SpanName.request(operation), ROOT, ROOT_CONTEXT, attributes);
        const activityType = ACTIVITIES.get(operation);
        const tell = (result: string) => {
          if (activityType === undefined) return;
          const level = activityType === Activity.OPEN && result === 'ok' ? 'debug' : 'info';
          const target = targetPath === undefined ? {} : { targetPath };
          const trace = toTraceFields(span.spanContext());
          log[level]({ activityType, ...about, path, ...target, result, ...trace }, operation);
        };
        return inSpan(span, ROOT_CONTEXT, run, tell);
      },
      /** What was answered with EIO, and is told nowhere else why. */
      onFault(err: unknown, request: string): void {
        log.error(
          { activityType: Activity.ERROR, err, request, ...about, ...traceOfFailure(err) },
          'request failed',
        );
      },
      downloaded(path: string, bytes: number): void {
        log.info(
          { activityType: Activity.CLOSE, mode: 'read', ...about, path, bytesOut: bytes },
          'download ended',
        );
      },
    };
  };
}
