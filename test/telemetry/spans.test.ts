import { ROOT_CONTEXT, SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { expect, test } from 'vitest';
import { FsError } from '../../src/contract/errors.ts';
import { inSpan } from '../../src/telemetry/spans.ts';

test.each([
  ['EIO', SpanStatusCode.ERROR, 1],
  ['ECANCELED', SpanStatusCode.UNSET, 0],
] as const)('%s is the result of its span, of status %d, with %d events', async (code, status, events) => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const span = provider.getTracer('test').startSpan('read');
  const failure = new FsError(code, 'no');
  await expect(inSpan(span, ROOT_CONTEXT, () => Promise.reject(failure))).rejects.toBe(failure);
  const [finished] = exporter.getFinishedSpans();
  expect(finished?.attributes).toEqual({ 'sluice.result': code });
  expect(finished?.status.code).toBe(status);
  expect(finished?.events).toHaveLength(events);
  await provider.shutdown();
});
