import { RecentActivity } from '../../src/console/recent-activity.ts';
import type { ConsoleSource } from '../../src/console/source.ts';
import type {
  EndedUpload,
  LiveSession,
  LiveUpload,
  RecordedSpan,
  RecordedTrace,
  SentJob,
} from '../../src/contract/activity.ts';

export const MiB = 1024 * 1024;

/** A source that shows what a test puts into it. */
export class ScriptedSource implements ConsoleSource {
  readonly about = {
    service: 'sluice',
    version: '0.1.0',
    backend: 's3',
    startedAt: new Date(Date.now() - 3_725_000),
  };
  readonly activity = new RecentActivity();
  readonly traces = new Map<string, RecordedTrace>();
  readonly liveSessions: LiveSession[] = [];
  readonly liveUploads = new Map<string, LiveUpload>();
  usedBytes = 0;
  /** How often somebody has looked at what is live. */
  looks = 0;
  watchers = 0;

  sessions(): readonly LiveSession[] {
    return [...this.liveSessions];
  }

  uploads(): readonly LiveUpload[] {
    this.looks += 1;
    return [...this.liveUploads.values()];
  }

  ended(): readonly EndedUpload[] {
    return this.activity.ended();
  }

  jobs(): readonly SentJob[] {
    return this.activity.jobs();
  }

  trace(traceId: string): RecordedTrace | undefined {
    return this.traces.get(traceId);
  }

  buffer() {
    return { usedBytes: this.usedBytes, limitBytes: 256 * MiB };
  }

  onChange(listener: () => void): () => void {
    const stop = this.activity.onChange(listener);
    this.watchers += 1;
    return () => {
      this.watchers -= 1;
      stop();
    };
  }

  /** Begins an upload, or gives one that goes on other numbers. */
  put(upload: Partial<LiveUpload> & { readonly id: string }): void {
    this.liveUploads.set(upload.id, { ...(this.liveUploads.get(upload.id) ?? aLiveUpload()), ...upload });
  }

  /** Ends an upload that goes on. */
  end(id: string, result = 'ok', endedAt = new Date()): void {
    const { isFinishing, expectedBytes, ...upload } = this.liveUploads.get(id) ?? aLiveUpload({ id });
    this.liveUploads.delete(id);
    const key = result === 'ok' ? `tenants/acme${upload.path}` : undefined;
    this.activity.uploadEnded(anEndedUpload({ ...upload, endedAt, result, key }));
  }
}

export function aLiveUpload(upload: Partial<LiveUpload> = {}): LiveUpload {
  return {
    id: 'u1',
    sessionId: 's1',
    username: 'acme',
    clientAddress: '192.0.2.7',
    path: '/in/report.csv',
    startedAt: new Date(),
    bytes: 0,
    traceId: undefined,
    isFinishing: false,
    expectedBytes: undefined,
    ...upload,
  };
}

export function anEndedUpload(upload: Partial<EndedUpload> = {}): EndedUpload {
  const { isFinishing, expectedBytes, ...rest } = aLiveUpload();
  return {
    ...rest,
    endedAt: new Date(),
    result: 'ok',
    key: 'tenants/acme/in/report.csv',
    principal: { username: rest.username, session: {} },
    stored: undefined,
    ...upload,
  };
}

export function aJob(job: Partial<SentJob> = {}): SentJob {
  return {
    id: 'u1',
    type: 'finished',
    path: '/in/report.csv',
    sentAt: new Date(),
    place: 'queue',
    traceId: undefined,
    ...job,
  };
}

export function aSession(session: Partial<LiveSession> & { readonly id?: string } = {}): LiveSession {
  const { id = 's1', ...rest } = session;
  return {
    connection: { id, clientAddress: '192.0.2.7', clientPort: 50_022, clientVersion: 'OpenSSH_9.2p1' },
    username: 'acme',
    connectedAt: new Date(),
    bytesIn: 0,
    bytesOut: 0,
    ...rest,
  };
}

export function aSpan(span: Partial<RecordedSpan> & { readonly spanId: string }): RecordedSpan {
  return {
    name: 'backend.write_chunk',
    kind: 'internal',
    parentSpanId: 'root',
    startMs: 0,
    endMs: 1,
    attributes: {},
    error: undefined,
    events: [],
    links: [],
    ...span,
  };
}
