import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import type { Log } from '../../src/contract/log.ts';
import { withTelemetry } from '../../src/layers/with-telemetry.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { bindConformance } from './bind.ts';

const tracer = new NodeTracerProvider().getTracer('test');
const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

for (const chunkSpans of ['part', 'each'] as const) {
  bindConformance(`memory under withTelemetry, a span for ${chunkSpans} of the chunks`, {
    createSubject: () => ({
      backend: withTelemetry(createMemoryBackend(), { tracer, log, chunkSpans }),
      context: createTestContext(),
    }),
  });
}
