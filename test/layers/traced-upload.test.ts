import { SpanStatusCode } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { beforeEach, describe, expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { withTelemetry } from '../../src/layers/with-telemetry.ts';
import { noTelemetry } from '../../src/telemetry/no-telemetry.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { watchUploads } from '../support/sftp-driver.ts';

const OPTIONS = { create: true, exclusive: false, truncate: true, append: false };

describe('the spans of an upload', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);

  beforeEach(() => exporter.reset());

  async function begin(chunkSpans: 'part' | 'each', hooks: Parameters<typeof watchUploads>[0] = {}) {
    const tracer = provider.getTracer('test');
    const { metrics } = noTelemetry();
    const backend = withTelemetry(watchUploads(hooks).backend, { tracer, metrics, chunkSpans });
    return await backend.beginWrite(createTestContext(), '/a', OPTIONS);
  }

  test('with "each" the span of a write ends with the write', async () => {
    const upload = await begin('each');
    await upload.writeChunk(0, Buffer.from('x'));
    expect(named('backend.write_chunk')).toHaveLength(1);
    await upload.abortWrite();
  });

  test('the span of an upload that was refused a write says with what', async () => {
    const upload = await begin('part', {
      writeChunk: () => {
        throw new FsError('ENOSPC', 'full');
      },
    });
    expect(() => upload.writeChunk(0, Buffer.from('x'))).toThrow('ENOSPC');
    await upload.abortWrite();
    expect(named('sluice.upload')[0]?.attributes['sluice.result']).toBe('ENOSPC');
  });

  test('the span of an upload whose client went while it waited says that it was aborted', async () => {
    const upload = await begin('part', {
      writeChunk: () => Promise.reject(new FsError('ECANCELED', 'the client is gone')),
    });
    await expect(upload.writeChunk(0, Buffer.from('x'))).rejects.toThrow('ECANCELED');
    await upload.abortWrite();
    const [root] = named('sluice.upload');
    expect(root?.attributes['sluice.result']).toBe('ECONNABORTED');
    expect(root?.status.code).toBe(SpanStatusCode.ERROR);
  });
});
