import { type Context, context, trace } from '@opentelemetry/api';
import type { Scope, TraceContext } from '../contract/context.ts';
import { toTraceContext } from './trace-context.ts';

/** OpenTelemetry's context as the scope of a request, or of an upload, whose `current` context changes. */
export class ContextScope implements Scope {
  current: Context;

  constructor(current: Context) {
    this.current = current;
  }

  get trace(): TraceContext {
    return toTraceContext(trace.getSpanContext(this.current));
  }

  run<T>(work: () => T): T {
    return context.with(this.current, work);
  }
}
