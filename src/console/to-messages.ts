import type { EndedUpload, LiveSession, LiveUpload, SentJob } from '../contract/activity.ts';
import type { EndedMessage, JobMessage, SessionMessage, StateMessage, UploadMessage } from './messages.ts';
import type { ConsoleSource } from './source.ts';

/** Everything as it is now. */
export function toState(source: ConsoleSource): StateMessage {
  const { service, version, backend, startedAt } = source.about;
  const { usedBytes, limitBytes } = source.buffer();
  return {
    now: Date.now(),
    about: { service, version, backend, startedAt: startedAt.getTime() },
    sessions: source.sessions().map(toSession),
    uploads: source.uploads().map(toUpload),
    ended: source.ended().map(toEnded),
    jobs: source.jobs().map(toJob),
    buffer: { usedBytes, limitBytes },
  };
}

function toSession({ connection, username, connectedAt, bytesIn, bytesOut }: LiveSession): SessionMessage {
  const { id, clientAddress, clientVersion } = connection;
  return {
    id,
    username,
    clientAddress,
    clientVersion,
    connectedAt: connectedAt.getTime(),
    bytesIn,
    bytesOut,
  };
}

function toUploading({
  id,
  username,
  clientAddress,
  path,
  startedAt,
  bytes,
  traceId,
}: LiveUpload | EndedUpload) {
  return {
    id,
    username,
    clientAddress,
    path,
    startedAt: startedAt.getTime(),
    bytes,
    traceId: traceId ?? null,
  };
}

function toUpload(upload: LiveUpload): UploadMessage {
  const { isFinishing, expectedBytes } = upload;
  return { ...toUploading(upload), isFinishing, expectedBytes: expectedBytes ?? null };
}

function toEnded(upload: EndedUpload): EndedMessage {
  const { endedAt, result, key } = upload;
  return { ...toUploading(upload), endedAt: endedAt.getTime(), result, key: key ?? null };
}

function toJob({ id, type, path, sentAt, place, traceId }: SentJob): JobMessage {
  return { id, type, path, sentAt: sentAt.getTime(), place, traceId: traceId ?? null };
}
