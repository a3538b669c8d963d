import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Delivery, FailedUpload } from '../../src/contract/jobs.ts';
import type { StoredFile } from '../../src/contract/types.ts';
import {
  jobEvent,
  uploadFailedEvent,
  uploadFinishedEvent,
  uploadRenamedEvent,
} from '../../src/jobs/event.ts';
import { completeEvent, toDeliveredEvent, toFailedEvent } from '../../src/jobs/to-event.ts';
import { createTestContext } from '../../src/testing/index.ts';

const { principal, connection } = createTestContext({
  principal: { username: 'acme', session: { prefix: 'tenants/acme/' } },
});

const LOCATION = { bucket: 'files', key: 'tenants/acme/in/report.csv' };

const DELIVERY: Delivery = {
  id: '0b9e4a5e-7f4b-4f7c-9a53-6a1f1f7a4e0e',
  path: '/in/report.csv',
  location: LOCATION,
  principal,
  connection,
  startedAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)),
};

const STORED: StoredFile = {
  size: 123,
  etag: 'abc',
  versionId: 'v1',
  location: LOCATION,
  checksum: { algorithm: 'CRC32', value: 'y/Q5Jg==', type: 'FULL_OBJECT' },
};

const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' };
const OPTIONS = { serviceName: 'sluice', finishedAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 6)), trace: TRACE };

describe('the job of an upload', () => {
  test('says everything that the design promises, field by field', () => {
    expect(toDeliveredEvent(DELIVERY, STORED, OPTIONS)).toEqual({
      specversion: '1.0',
      id: '0b9e4a5e-7f4b-4f7c-9a53-6a1f1f7a4e0e',
      type: 'sluice.upload.finished.v1',
      source: '/sluice/sluice',
      subject: 'files/tenants/acme/in/report.csv',
      time: '2026-01-02T03:04:06.000Z',
      datacontenttype: 'application/json',
      traceparent: TRACE.traceparent,
      tracestate: 'a=b',
      data: {
        bucket: 'files',
        key: 'tenants/acme/in/report.csv',
        versionId: 'v1',
        etag: 'abc',
        size: 123,
        checksum: { algorithm: 'CRC32', value: 'y/Q5Jg==', type: 'FULL_OBJECT' },
        path: '/in/report.csv',
        username: 'acme',
        session: { prefix: 'tenants/acme/' },
        clientAddress: '192.0.2.1',
        clientVersion: 'SluiceTest_1.0',
        startedAt: '2026-01-02T03:04:05.006Z',
        finishedAt: '2026-01-02T03:04:06.000Z',
      },
    });
  });

  test('comes through JSON and its schema as it was', () => {
    const event = toDeliveredEvent(DELIVERY, STORED, OPTIONS);
    expect(uploadFinishedEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  test('what the store does not know is null, never missing', () => {
    const event = toDeliveredEvent(DELIVERY, { size: 123 }, OPTIONS);
    expect(event.data).toMatchObject({ versionId: null, etag: null, checksum: null });
    expect(uploadFinishedEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  test('the location that the store names wins over the one that was announced', () => {
    const stored = { size: 0, location: { bucket: 'other', key: 'place' } };
    expect(toDeliveredEvent(DELIVERY, stored, OPTIONS)).toMatchObject({
      subject: 'other/place',
      data: { bucket: 'other', key: 'place', size: 0 },
    });
  });

  test('made before the file was there, is completed by what the store says', () => {
    const early = toDeliveredEvent(DELIVERY, { size: 0 }, OPTIONS);
    expect(completeEvent(early, STORED)).toEqual(toDeliveredEvent(DELIVERY, STORED, OPTIONS));
  });

  test('of a file that was renamed is another one, and tells the name before', () => {
    const event = toDeliveredEvent({ ...DELIVERY, renamedFrom: '/in/old.csv' }, STORED, OPTIONS);
    expect(uploadRenamedEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
    expect(event).toMatchObject({ data: { path: '/in/report.csv', previousPath: '/in/old.csv' } });
  });

  test('tells the name that was asked for, where it is another one', () => {
    const event = toDeliveredEvent({ ...DELIVERY, requestedPath: '/in/asked.csv' }, STORED, OPTIONS);
    expect(uploadFinishedEvent.parse(event).data.requestedPath).toBe('/in/asked.csv');
  });

  test('without a trace it has no field of one', () => {
    const event = toDeliveredEvent(DELIVERY, STORED, { ...OPTIONS, serviceName: 'door', trace: {} });
    expect(Object.keys(event)).not.toContain('traceparent');
    expect(event.source).toBe('/sluice/door');
    expect(uploadFinishedEvent.safeParse(event).success).toBe(true);
  });

  test('is the same over every delivery', () => {
    expect(toDeliveredEvent(DELIVERY, STORED, OPTIONS)).toEqual(toDeliveredEvent(DELIVERY, STORED, OPTIONS));
  });

  test('tells nothing of the principal but the name and the session', () => {
    const guarded = { ...DELIVERY, principal: { ...principal, permissions: ['list' as const] } };
    expect(JSON.stringify(toDeliveredEvent(guarded, STORED, OPTIONS))).not.toContain('permissions');
  });

  const event = toDeliveredEvent(DELIVERY, STORED, OPTIONS);
  test.each([
    ['another version of the envelope', { ...event, specversion: '0.3' }],
    ['another type', { ...event, type: 'sluice.upload.finished.v2' }],
    ['an empty id', { ...event, id: '' }],
    ['a time that is none', { ...event, time: 'yesterday' }],
    ['no data', { ...event, data: undefined }],
    ['a size that is no count', { ...event, data: { ...event.data, size: -1 } }],
    ['a size that is no whole number', { ...event, data: { ...event.data, size: 1.5 } }],
    ['a relative path', { ...event, data: { ...event.data, path: 'in/report.csv' } }],
    ['an ETag that is missing', { ...event, data: { ...event.data, etag: undefined } }],
    ['a checksum that is no base64', { ...event, data: { ...event.data, checksum: { value: '?' } } }],
  ])('its schema refuses %s', (_, wrong) => {
    expect(uploadFinishedEvent.safeParse(event).success).toBe(true);
    expect(uploadFinishedEvent.safeParse(wrong).success).toBe(false);
  });
});

describe('the report of a failed upload', () => {
  const FAILURE: FailedUpload = {
    ...DELIVERY,
    failedAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 6)),
    outcome: 'aborted',
    error: { code: 'ECONNABORTED', message: 'the upload ended without CLOSE' },
    bytes: 5,
  };
  const event = toFailedEvent(FAILURE, { serviceName: 'sluice', trace: TRACE });

  test('says the same of who, where and when as a job, and how it ended', () => {
    const { data, ...envelope } = toDeliveredEvent(DELIVERY, STORED, OPTIONS);
    const { bucket, key, path, username, session, clientAddress, clientVersion, startedAt } = data;
    const origin = { bucket, key, path, username, session, clientAddress, clientVersion, startedAt };
    const { outcome, error, bytes } = FAILURE;
    expect(event).toEqual({
      ...envelope,
      type: 'sluice.upload.failed.v1',
      data: { ...origin, outcome, error, bytes, failedAt: data.finishedAt },
    });
  });

  test('comes through JSON and its schema as it was', () => {
    expect(uploadFailedEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });
});

describe('the JSON Schema that is published', () => {
  // `npx vitest run test/jobs -u` writes them anew.
  test.each([
    ['A file that was uploaded, is stored, and is to be processed', uploadFinishedEvent],
    ['A file that had its job has another name', uploadRenamedEvent],
    ['An upload that has left nothing behind', uploadFailedEvent],
  ])('%s: is that of the event', async (title, event) => {
    const type = event.shape.type.value;
    // As it comes in: a later release may add fields.
    const schema = { $id: `urn:sluice:${type}`, title, ...z.toJSONSchema(event, { io: 'input' }) };
    await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(
      `../../schemas/${type}.json`,
    );
  });

  test('is there for every event', () => {
    expect(jobEvent.options.map(({ shape }) => shape.type.value)).toEqual([
      'sluice.upload.finished.v1',
      'sluice.upload.renamed.v1',
      'sluice.upload.failed.v1',
    ]);
  });
});
