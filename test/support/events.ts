import type { UploadFinishedEvent } from '../../src/jobs/event.ts';
import { toDeliveredEvent } from '../../src/jobs/to-event.ts';
import { createTestContext } from '../../src/testing/index.ts';

/** The job of a file of one byte, stored under its id. */
export function finishedEvent(id: string, bucket = 'b'): UploadFinishedEvent {
  const { principal, connection } = createTestContext();
  const location = { bucket, key: `tenants/a/${id}` };
  const delivery = { id, path: `/${id}`, location, principal, connection, startedAt: new Date(0) };
  const stored = { size: 1, location };
  const event = toDeliveredEvent(delivery, stored, {
    serviceName: 'sluice',
    finishedAt: new Date(1),
    trace: {},
  });
  if (event.type !== 'sluice.upload.finished.v1') throw new Error(event.type);
  return event;
}
