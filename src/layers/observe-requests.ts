import { ROOT_CONTEXT, type Tracer } from '@opentelemetry/api';
import type { Connection, Principal } from '../contract/context.ts';
import { toFsErrorCode } from '../contract/errors.ts';
import { Activity, type Log } from '../contract/log.ts';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import { inSpan, ROOT, startSpan, toTraceFields, traceOfFailure } from '../telemetry/spans.ts';
import { isTold, markTold } from './told-errors.ts';

/** Longest path that is logged of a request that was refused for what it names, in characters: it is whatever a client sends. */
const MAX_PATH = 1024;

/** Requests that do something, or show what others have done, by the word for it. */
const ACTIVITIES = new Map<string, string>([
  ['open', Activity.OPEN],
  ['opendir', Activity.LIST],
  ['remove', Activity.DELETE],
  ['rename', Activity.RENAME],
  ['mkdir', Activity.MKDIR],
  ['rmdir', Activity.RMDIR],
  ['setstat', Activity.SETSTAT],
  ['symlink', Activity.CREATE_SYMLINK],
  ['unsupported', Activity.REFUSED],
]);

/** A request that was refused, as far as the log tells of it. */
export interface RefusedRequest {
  readonly kind: string;
  readonly path?: string;
  readonly from?: string;
  readonly to?: string;
  readonly targetPath?: string;
  /** Of one that there is not here: what it is. */
  readonly what?: string;
}

/** How much of a file was read. */
export interface EndedDownload {
  readonly bytes: number;
  /** Of the file, in bytes. */
  readonly size: number;
  /** `ok`, the POSIX code of what could not be read at last, or `ECONNABORTED` without CLOSE. */
  readonly result: string;
}

/**
 * Gives every request outside uploads a trace of its own, `sftp.<operation>`, with the backend's span below, and a log line
 * to those that change or list something; downloads have theirs when they end.
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
        const failed = (error: unknown) => {
          if (activityType !== undefined) markTold(error);
          throw error;
        };
        return inSpan(span, ROOT_CONTEXT, () => run().catch(failed), tell);
      },
      /** Refused before anybody was asked: what it names cannot be, or there is no such thing here, or too much is open. */
      refused(error: unknown, request: RefusedRequest): void {
        const activityType = ACTIVITIES.get(request.kind);
        if (activityType === undefined || isTold(error)) return;
        const { kind, what, path = request.from, targetPath = request.to } = request;
        log.info(
          {
            activityType,
            ...about,
            ...(what === undefined ? {} : { request: what }),
            ...(path === undefined ? {} : { path: path.slice(0, MAX_PATH) }),
            ...(targetPath === undefined ? {} : { targetPath: targetPath.slice(0, MAX_PATH) }),
            result: toFsErrorCode(error),
          },
          kind === 'unsupported' ? 'request refused' : kind,
        );
      },
      /** The client broke the protocol, and its session is ended for it. */
      broken(reason: string): void {
        log.info({ activityType: Activity.EXIT_REASON, ...about, reason }, 'the client broke the protocol');
      },
      /** What was answered with EIO, and is told nowhere else why. */
      onFault(err: unknown, request: string): void {
        log.error(
          { activityType: Activity.ERROR, err, request, ...about, ...traceOfFailure(err) },
          'request failed',
        );
      },
      downloaded(path: string, { bytes, size, result }: EndedDownload): void {
        log.info(
          { activityType: Activity.CLOSE, mode: 'read', ...about, path, bytesOut: bytes, size, result },
          'download ended',
        );
      },
    };
  };
}
