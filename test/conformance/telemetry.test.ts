import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { LiveUploads } from '../../src/layers/live-uploads.ts';
import { withActivity } from '../../src/layers/with-activity.ts';
import { withTelemetry } from '../../src/layers/with-telemetry.ts';
import { noTelemetry } from '../../src/telemetry/no-telemetry.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { collectLog } from '../support/collect-log.ts';
import { bindConformance } from './bind.ts';

const tracer = new NodeTracerProvider().getTracer('test');
const { metrics } = noTelemetry();
const { log } = collectLog();

for (const chunkSpans of ['part', 'each'] as const) {
  bindConformance(`memory under withTelemetry, a span for ${chunkSpans} of the chunks`, {
    createSubject: () => ({
      backend: withTelemetry(createMemoryBackend(), { tracer, metrics, chunkSpans }),
      context: createTestContext(),
    }),
  });
}

bindConformance('memory under withActivity', {
  createSubject: () => ({
    backend: withActivity(createMemoryBackend(), {
      live: new LiveUploads(),
      metrics,
      log,
      listener: undefined,
    }),
    context: createTestContext(),
  }),
});
