import { ROOT_CONTEXT, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { Connection } from '../contract/context.ts';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import type { Metrics } from '../telemetry/meter.ts';
import { failSpan, ROOT, toTraceFields } from '../telemetry/spans.ts';

/** Longest user name that is noted: it is whatever a client sends. */
const MAX_USERNAME = 128;

const METHODS = new Set(['password', 'publickey', 'keyboard-interactive']);

/** A trace for each login, with a span for each attempt; connections and attempts are counted by what came of them. */
export function observeLogins(tracer: Tracer, metrics: Metrics) {
  return (clientAddress: string, clientPort: number) => {
    const attributes = { [Attribute.CLIENT_ADDRESS]: clientAddress, [Attribute.CLIENT_PORT]: clientPort };
    const login = tracer.startSpan(SpanName.LOGIN, { ...ROOT, attributes });
    const within = trace.setSpan(ROOT_CONTEXT, login);
    let hasEnded = false;
    return {
      fields: { ...toTraceFields(login.spanContext()) },

      identified({ id, clientVersion }: Connection): void {
        login.setAttributes({ [Attribute.SESSION_ID]: id, [Attribute.CLIENT_VERSION]: clientVersion });
        login.addEvent('identified');
      },

      negotiated({ kex, cipher }: { readonly kex: string; readonly cipher: string }): void {
        login.setAttributes({ [Attribute.KEX]: kex, [Attribute.CIPHER]: cipher });
        login.addEvent('negotiated');
      },

      attempted(username: string, named: string) {
        const method = METHODS.has(named) ? named : 'other';
        const user = { [Attribute.USER]: username.slice(0, MAX_USERNAME) };
        const span = tracer.startSpan(
          SpanName.AUTHENTICATE,
          { attributes: { ...user, [Attribute.METHOD]: method } },
          within,
        );
        return (outcome: string, error?: unknown) => {
          if (error !== undefined) failSpan(span, error);
          span.setAttribute(Attribute.OUTCOME, outcome);
          span.end();
          if (outcome === 'accepted') login.setAttributes(user);
          metrics.add('sluice.authentication.attempts', 1, {
            'sluice.authentication.method': method,
            'sluice.outcome': outcome,
          });
        };
      },

      ended(outcome: string): void {
        if (hasEnded) return;
        hasEnded = true;
        login.setAttribute(Attribute.OUTCOME, outcome);
        if (outcome !== 'logged_in') {
          login.setStatus({ code: SpanStatusCode.ERROR, message: `the connection ended: ${outcome}` });
        }
        login.end();
        metrics.add('sluice.connections', 1, { 'sluice.outcome': outcome });
      },
    };
  };
}
