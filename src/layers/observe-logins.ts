import { ROOT_CONTEXT, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { ActivityListener, LoginAttempt } from '../contract/activity.ts';
import type { Connection } from '../contract/context.ts';
import { Attribute, SpanName } from '../telemetry/instruments.ts';
import type { Metrics } from '../telemetry/meter.ts';
import { failSpan, ROOT, toTraceFields } from '../telemetry/spans.ts';

/** Longest user name that is noted: it is whatever a client sends. */
const MAX_USERNAME = 128;

/** What people who watch are told of; that a key would do is no answer yet. */
const ANSWERS: readonly string[] = ['accepted', 'refused', 'failed'] satisfies LoginAttempt['outcome'][];

function isAnswer(outcome: string): outcome is LoginAttempt['outcome'] {
  return ANSWERS.includes(outcome);
}

function toMethod(named: string): LoginAttempt['method'] {
  return named === 'password' || named === 'publickey' ? named : 'other';
}

/** A trace for each login, with a span for each attempt; connections and attempts are counted by what came of them. */
export function observeLogins(tracer: Tracer, metrics: Metrics, listener?: ActivityListener) {
  return (clientAddress: string, clientPort: number) => {
    const attributes = { [Attribute.CLIENT_ADDRESS]: clientAddress, [Attribute.CLIENT_PORT]: clientPort };
    const login = tracer.startSpan(SpanName.LOGIN, { ...ROOT, attributes });
    const within = trace.setSpan(ROOT_CONTEXT, login);
    let hasEnded = false;
    let caller: Connection | undefined;
    return {
      fields: { ...toTraceFields(login.spanContext()) },

      identified(connection: Connection): void {
        const { id, clientVersion } = connection;
        caller = connection;
        listener?.connected?.(connection);
        login.setAttributes({ [Attribute.SESSION_ID]: id, [Attribute.CLIENT_VERSION]: clientVersion });
        login.addEvent('identified');
      },

      negotiated({ kex, cipher }: { readonly kex: string; readonly cipher: string }): void {
        login.setAttributes({ [Attribute.KEX]: kex, [Attribute.CIPHER]: cipher });
        login.addEvent('negotiated');
      },

      attempted(username: string, named: string) {
        const method = toMethod(named);
        const shortened = username.slice(0, MAX_USERNAME);
        const user = { [Attribute.USER]: shortened };
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
          if (caller === undefined || !isAnswer(outcome)) return;
          listener?.loginAnswered?.({ connection: caller, username: shortened, method, outcome, error });
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
