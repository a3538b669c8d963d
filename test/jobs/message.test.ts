import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PATH_BYTES } from '../../src/contract/path.ts';
import { jobEvent } from '../../src/jobs/event.ts';
import { MAX_MESSAGE_BYTES, toMessage } from '../../src/jobs/message.ts';
import { toDeliveredEvent } from '../../src/jobs/to-event.ts';
import { createTestContext } from '../../src/testing/index.ts';

const { connection } = createTestContext();
const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

interface What {
  readonly path?: string;
  readonly key?: string;
  readonly username?: string;
  readonly session?: Readonly<Record<string, string>>;
  readonly renamedFrom?: string;
  readonly requestedPath?: string;
}

function toEvent({ path = '/in/a.csv', username = 'acme', session = {}, ...what }: What = {}) {
  const delivery = {
    id: 'upload-1',
    path,
    location: { bucket: 'b', key: what.key ?? `tenants/acme${path}` },
    principal: { username, session },
    connection,
    startedAt: new Date(0),
    renamedFrom: what.renamedFrom,
    requestedPath: what.requestedPath,
  };
  return toDeliveredEvent(
    delivery,
    { size: 1 },
    { serviceName: 'sluice', finishedAt: new Date(1), trace: TRACE },
  );
}

const attributesOf = (what: What) =>
  Object.fromEntries(
    Object.entries(toMessage(toEvent(what), undefined).entry.MessageAttributes ?? {}).map(
      ([name, { StringValue }]) => [name, StringValue],
    ),
  );

describe('the message of a job', () => {
  test('has what consumers filter by beside its body, and the trace for X-Ray', () => {
    expect(attributesOf({})).toEqual({
      type: 'sluice.upload.finished.v1',
      username: 'acme',
      prefix: 'tenants/acme/',
      contentType: 'application/cloudevents+json',
      traceparent: TRACE.traceparent,
    });
    const { entry } = toMessage(toEvent(), undefined);
    expect(entry.MessageSystemAttributes?.AWSTraceHeader?.StringValue).toBe(
      'Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1',
    );
    expect(entry.MessageGroupId).toBeUndefined();
  });

  test.each([
    ['/in/a.csv', 'tenants/acme/inbox/a.csv', 'tenants/acme/inbox/'],
    ['/in/deep/a.csv', 'tenants/acme/inbox/deep/a.csv', 'tenants/acme/inbox/'],
    ['/in/a.csv', 'tenants/acme/in/a.csv', 'tenants/acme/'],
    ['/a.csv', 'tenants/in/a.csv/a.csv', 'tenants/in/a.csv/'],
    ['/in/a.csv', 'box/acme-a.csv', undefined],
  ])('of %s at %s has the prefix %s', (path, key, prefix) => {
    expect(attributesOf({ path, key })['prefix']).toBe(prefix);
  });

  test.each([
    ['no prefix', { key: 'in/a.csv' }],
    ['a key that has nothing to do with the path', { key: 'elsewhere' }],
    ['a character that SQS refuses', { key: 'a\u0001b/in/a.csv' }],
    ['one that is no character', { key: 'a\uffffb/in/a.csv' }],
    ['half of a pair', { key: 'a\ud800b/in/a.csv' }],
  ])('%s: has no such attribute', (_, what) => {
    expect(attributesOf(what)).not.toHaveProperty('prefix');
    expect(attributesOf(what)).toHaveProperty('username');
  });

  test.each<['principal' | 'prefix', What, string | RegExp]>([
    ['principal', {}, 'acme'],
    ['prefix', {}, 'tenants/acme/'],
    ['prefix', { key: 'in/a.csv' }, /^[0-9a-f]{64}$/],
    ['principal', { username: 'müller & sons' }, /^[0-9a-f]{64}$/],
    ['principal', { username: 'a'.repeat(129) }, /^[0-9a-f]{64}$/],
  ])('on a FIFO queue belongs to a group by %s: %j', (groupBy, what, group) => {
    const { entry } = toMessage(toEvent(what), groupBy);
    expect(entry.MessageGroupId).toMatch(group);
    expect(entry.MessageDeduplicationId).toBe('upload-1');
  });

  test('fits into every queue and reads back as it was, whatever the names', () => {
    const name = fc.string({ unit: 'binary', maxLength: MAX_PATH_BYTES });
    const cut = (text: string, bytes: number) => Buffer.from(text).subarray(0, bytes).toString();
    const worst = ['\u0001', '\uffff', '"', '\\', 'ü'].map((unit) => unit.repeat(MAX_PATH_BYTES));
    fc.assert(
      fc.property(
        fc.oneof(name, fc.constantFrom(...worst)),
        fc.dictionary(
          fc.string({ maxLength: 20 }).filter((key) => key !== '__proto__'),
          fc.string({ unit: 'binary', maxLength: 100 }),
        ),
        (text, session) => {
          const path = `/${cut(text, MAX_PATH_BYTES - 1)}`;
          const event = toEvent({
            path,
            renamedFrom: path,
            requestedPath: path,
            key: cut(text, 1024) || 'k',
            session,
          });
          const { entry, bytes } = toMessage(event, 'prefix');
          expect(bytes).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
          const body = entry.MessageBody ?? '';
          expect(body).toMatch(/^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u);
          expect(jobEvent.parse(JSON.parse(body))).toEqual(event);
        },
      ),
      {
        examples: worst.map((text): [string, Record<string, string>] => [
          text,
          { notes: '\u0001'.repeat(2700) },
        ]),
      },
    );
  });
});
