import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { FinishedUpload } from '../../src/contract/jobs.ts';
import { toUploadFinishedEvent, uploadFinishedEvent } from '../../src/jobs/event.ts';
import { createTestContext } from '../../src/testing/index.ts';

const { principal, connection } = createTestContext({
  principal: { username: 'acme', session: { prefix: 'tenants/acme/' } },
});

const UPLOAD: FinishedUpload = {
  id: '0b9e4a5e-7f4b-4f7c-9a53-6a1f1f7a4e0e',
  path: '/in/report.csv',
  stored: {
    size: 123,
    etag: 'abc',
    versionId: 'v1',
    location: { bucket: 'files', key: 'tenants/acme/in/report.csv' },
    checksum: { algorithm: 'CRC32', value: 'y/Q5Jg==', type: 'FULL_OBJECT' },
  },
  principal,
  connection,
  startedAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)),
  finishedAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 6)),
};

const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' };
const OPTIONS = { serviceName: 'sluice', trace: TRACE };

describe('the job of an upload', () => {
  test('says everything that the design promises, field by field', () => {
    expect(toUploadFinishedEvent(UPLOAD, OPTIONS)).toEqual({
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
    const event = toUploadFinishedEvent(UPLOAD, OPTIONS);
    expect(uploadFinishedEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  test('what the store does not know is null, never missing', () => {
    const { size, location } = UPLOAD.stored;
    const bare = { ...UPLOAD, stored: { size, ...(location === undefined ? {} : { location }) } };
    const event = toUploadFinishedEvent(bare, OPTIONS);
    expect(event.data).toMatchObject({ versionId: null, etag: null, checksum: null });
    expect(uploadFinishedEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
  });

  test('a store that names no bucket has its files under "files" and their path', () => {
    const event = toUploadFinishedEvent({ ...UPLOAD, stored: { size: 0 } }, OPTIONS);
    expect(event).toMatchObject({
      subject: 'files/in/report.csv',
      data: { bucket: 'files', key: 'in/report.csv', size: 0 },
    });
  });

  test('without a trace it has no field of one', () => {
    const event = toUploadFinishedEvent(UPLOAD, { serviceName: 'door', trace: {} });
    expect(Object.keys(event)).not.toContain('traceparent');
    expect(event.source).toBe('/sluice/door');
    expect(uploadFinishedEvent.safeParse(event).success).toBe(true);
  });

  test('is the same over every delivery', () => {
    expect(toUploadFinishedEvent(UPLOAD, OPTIONS)).toEqual(toUploadFinishedEvent(UPLOAD, OPTIONS));
  });

  test('tells nothing of the principal but the name and the session', () => {
    const guarded = { ...UPLOAD, principal: { ...principal, permissions: ['list' as const] } };
    expect(JSON.stringify(toUploadFinishedEvent(guarded, OPTIONS))).not.toContain('permissions');
  });

  const event = toUploadFinishedEvent(UPLOAD, OPTIONS);
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

test('the JSON Schema that is published is that of the event', async () => {
  // `npx vitest run test/jobs -u` writes it anew.
  const schema = {
    $id: 'urn:sluice:sluice.upload.finished.v1',
    title: 'A file that was uploaded, is stored, and is to be processed',
    // As it comes in: a later release may add fields.
    ...z.toJSONSchema(uploadFinishedEvent, { io: 'input' }),
  };
  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(
    '../../schemas/sluice.upload.finished.v1.json',
  );
});
