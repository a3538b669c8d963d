import type { DiagLogger } from '@opentelemetry/api';
import type { Log } from '../contract/log.ts';

/** Between two warnings, in milliseconds. */
const PAUSE_MS = 60_000;

const ADVICE =
  'telemetry is not exported (OTEL_EXPORTER_OTLP_ENDPOINT says where to; OTEL_SDK_DISABLED=true makes none)';

/**
 * Puts what the OpenTelemetry SDK complains of into the log, one warning a minute at most: what fails once fails for every
 * batch, and a log full of it hides the rest.
 */
export class ExportWarnings {
  readonly #log: Log;
  readonly #now: () => number;
  #silentUntil = Number.NEGATIVE_INFINITY;
  #suppressed = 0;

  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** For the API's `diag`. What is less than a warning is left out. */
  toDiagLogger(): DiagLogger {
    const warn = (message: string, ...args: unknown[]) => this.warn([message, ...args].map(toText).join(' '));
    const nothing = () => undefined;
    return { error: warn, warn, info: nothing, debug: nothing, verbose: nothing };
  }

  warn(problem: unknown): void {
    const now = this.#now();
    if (now < this.#silentUntil) {
      this.#suppressed += 1;
      return;
    }
    this.#silentUntil = now + PAUSE_MS;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    this.#log.warn({ problem: toText(problem), ...(suppressed > 0 ? { suppressed } : {}) }, ADVICE);
  }
}

/** An error's own words and those of its causes: the rest of it may carry requests, and headers with secrets. */
function toText(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem);
  if (problem instanceof AggregateError) return problem.errors.map(toText).join('; ');
  const { message, name, cause } = problem;
  const text = message === '' ? name : message;
  return cause === undefined ? text : `${text}: ${toText(cause)}`;
}
