import type { StoredFile } from '../../src/contract/types.ts';
import type { UploadFinishedEvent } from '../../src/jobs/event.ts';
import { toDeliveredEvent } from '../../src/jobs/to-event.ts';
import { createTestContext } from '../../src/testing/index.ts';

type Stored = StoredFile & Required<Pick<StoredFile, 'location'>>;

/** The job of an upload as the service sends it; without more, of a file of one byte. */
export function finishedEvent(
  id: string,
  stored: Stored = { size: 1, location: { bucket: 'bucket', key: `tenants/a/${id}` } },
  path = `/${id}`,
): UploadFinishedEvent {
  const { principal, connection } = createTestContext();
  const { location } = stored;
  const delivery = { id, path, location, principal, connection, startedAt: new Date(0) };
  const options = { serviceName: 'sluice', finishedAt: new Date(1), trace: {} };
  const event = toDeliveredEvent(delivery, stored, options);
  if (event.type !== 'sluice.upload.finished.v1') throw new Error(event.type);
  return event;
}
