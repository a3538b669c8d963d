import type { ActivityListener, EndedUpload, LiveUpload } from '../contract/activity.ts';
import type { StreamingBackend, Upload, WriteOptions } from '../contract/backend.ts';
import type { RequestContext } from '../contract/context.ts';
import { toFsErrorCode } from '../contract/errors.ts';
import { Activity, type Log } from '../contract/log.ts';
import type { Metrics } from '../telemetry/meter.ts';
import { toTraceIds } from '../telemetry/trace-context.ts';
import type { LiveUploads, Watched } from './live-uploads.ts';
import { markTold } from './told-errors.ts';
import { isCancelled, type UploadEnding, WatchedUpload } from './watched-upload.ts';

export interface ActivityOptions {
  readonly live: LiveUploads;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly listener: ActivityListener | undefined;
}

/** As in the trace of such an upload. */
const ABORTED = 'ECONNABORTED';

/**
 * Tells of uploads what people watch: which are in progress, a log line when each begins and ends, and what of it is counted. Stands
 * within the trace of the upload, whose ids are in the lines.
 */
export function withActivity(backend: StreamingBackend, options: ActivityOptions): StreamingBackend {
  const { live, metrics, log, listener } = options;

  async function beginWrite(call: RequestContext, path: string, open: WriteOptions): Promise<Upload> {
    const ids = () => toTraceIds(call.scope?.trace ?? {});
    const begunIn = ids();
    const about = {
      id: call.uploadId ?? '',
      sessionId: call.connection.id,
      username: call.principal.username,
      clientAddress: call.connection.clientAddress,
      path,
      startedAt: new Date(),
      traceId: begunIn.traceId,
    };
    const startedAt = performance.now();
    const fields = {
      user: about.username,
      sessionId: about.sessionId,
      sourceIp: about.clientAddress,
      uploadId: about.id,
      path,
    };

    function tell(ending: UploadEnding): void {
      const seconds = (performance.now() - startedAt) / 1000;
      const result = toResult(ending);
      const { key } = ending.outcome === 'finished' ? (ending.stored.location ?? {}) : {};
      const line = {
        activityType: ending.outcome === 'finished' ? Activity.CLOSE : Activity.PARTIAL_CLOSE,
        ...fields,
        ...ids(),
        bytesIn: ending.bytes,
        seconds: Math.round(seconds * 1000) / 1000,
        ...(key === undefined ? {} : { key }),
        result,
      };
      if (ending.outcome === 'finished') log.info(line, 'upload finished');
      else if (ending.outcome === 'aborted') log.warn(line, 'upload aborted');
      else log.warn({ ...line, err: ending.error }, 'upload failed');

      const attributes = { 'sluice.backend': backend.name, 'sluice.result': result };
      metrics.add('sluice.uploads', 1, attributes);
      metrics.record('sluice.upload.duration', seconds, attributes);
      metrics.record('sluice.upload.size', ending.bytes, { 'sluice.result': result });
      const stored = ending.outcome === 'finished' ? ending.stored : undefined;
      const { principal } = call;
      const ended = { ...about, bytes: ending.bytes, endedAt: new Date(), result, key, principal, stored };
      listener?.uploadEnded(ended);
    }

    try {
      const upload = await backend.beginWrite(call, path, open);
      log.debug({ activityType: Activity.OPEN, mode: 'write', ...fields, ...begunIn }, 'upload begun');
      const watched: ActiveUpload = new ActiveUpload(upload, about, (ending) => {
        live.remove(watched);
        tell(ending);
      });
      live.add(watched);
      return watched;
    } catch (error) {
      markTold(error);
      tell(isCancelled(error) ? { outcome: 'aborted', bytes: 0 } : { outcome: 'failed', error, bytes: 0 });
      throw error;
    }
  }

  return { ...backend, beginWrite };
}

type About = Omit<EndedUpload, 'bytes' | 'endedAt' | 'result' | 'key' | 'principal' | 'stored'>;

class ActiveUpload extends WatchedUpload implements Watched {
  readonly #about: About;
  #expectedBytes: number | undefined;
  #received = 0;

  constructor(upload: Upload, about: About, onEnded: (ending: UploadEnding) => void) {
    super(upload, onEnded);
    this.#about = about;
  }

  get receivedBytes(): number {
    return this.#received;
  }

  describe(): LiveUpload {
    const { isEnding: isFinishing, size: bytes } = this;
    return { ...this.#about, bytes, isFinishing, expectedBytes: this.#expectedBytes };
  }

  override writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    this.#received += bytes.length;
    return super.writeChunk(offset, bytes);
  }

  override setSize(size: number): Promise<void> {
    if (size > this.size) this.#expectedBytes = size;
    return super.setSize(size);
  }
}

function toResult(ending: UploadEnding): string {
  if (ending.outcome === 'finished') return 'ok';
  return ending.outcome === 'aborted' ? ABORTED : toFsErrorCode(ending.error);
}
