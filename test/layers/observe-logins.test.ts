import { SpanStatusCode } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { beforeEach, describe, expect, test } from 'vitest';
import { observeLogins } from '../../src/layers/observe-logins.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectMetrics } from '../support/collect-metrics.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);

beforeEach(() => exporter.reset());

function begin() {
  const { metrics, read } = collectMetrics();
  return { login: observeLogins(provider.getTracer('test'), metrics)('192.0.2.1', 40_000), read };
}

describe('a login', () => {
  test('is a trace: who, by what, what was agreed on, each attempt', async () => {
    const { login, read } = begin();
    login.identified(createTestContext().connection);
    login.negotiated({ kex: 'curve25519-sha256', cipher: 'aes128-gcm@openssh.com' });
    login.attempted('acme', 'publickey')('offered');
    login.attempted('acme', 'publickey')('accepted');
    login.ended('logged_in');
    const [root] = named('ssh.login');
    expect(root).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'client.address': '192.0.2.1',
        'session.id': 'test-connection',
        'user.name': 'acme',
        'sluice.ssh.kex': 'curve25519-sha256',
        'sluice.outcome': 'logged_in',
      },
    });
    expect(root?.events.map(({ name }) => name)).toEqual(['identified', 'negotiated']);
    expect(named('ssh.authenticate').map(({ attributes }) => attributes['sluice.outcome'])).toEqual([
      'offered',
      'accepted',
    ]);
    expect(named('ssh.authenticate')[0]?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
    expect(login.fields).toEqual({
      traceId: root?.spanContext().traceId,
      spanId: root?.spanContext().spanId,
    });
    expect(await read('sluice.connections')).toEqual([
      { attributes: { 'sluice.outcome': 'logged_in' }, value: 1 },
    ]);
  });

  test('ends once, and without one is an ERROR', async () => {
    const { login, read } = begin();
    login.ended('no_login');
    login.ended('logged_in');
    expect(named('ssh.login')[0]?.status.code).toBe(SpanStatusCode.ERROR);
    expect(await read('sluice.connections')).toEqual([
      { attributes: { 'sluice.outcome': 'no_login' }, value: 1 },
    ]);
  });

  test('of which a client says what it likes makes no more series, and no long names', async () => {
    const { login, read } = begin();
    for (const method of ['hostbased', 'gssapi-with-mic', 'made-up']) {
      login.attempted('x'.repeat(30_000), method)('refused');
    }
    expect(String(named('ssh.authenticate')[0]?.attributes['user.name']).length).toBe(128);
    expect(await read('sluice.authentication.attempts')).toEqual([
      { attributes: { 'sluice.authentication.method': 'other', 'sluice.outcome': 'refused' }, value: 3 },
    ]);
  });

  test('that nobody could be asked about has the error in its attempt', () => {
    const { login } = begin();
    login.attempted('acme', 'password')('failed', new Error('the directory is away'));
    expect(named('ssh.authenticate')[0]).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'the directory is away' },
      attributes: { 'sluice.outcome': 'failed' },
    });
  });
});
