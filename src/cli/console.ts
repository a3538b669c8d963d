import type { App } from '../app.ts';
import type { Config } from '../config/load.ts';
import { isLoopback, toUrlHost } from '../console/guard.ts';
import { RecentActivity } from '../console/recent-activity.ts';
import { type Console, startConsole } from '../console/server.ts';
import type { ConsoleSource } from '../console/source.ts';
import type { Log } from '../contract/log.ts';
import { RecentTraces } from '../telemetry/recent-traces.ts';
import { VERSION } from './version.ts';

export type ConsoleAddress = NonNullable<Config['console']>;

/** What is remembered for the console: nothing is, where there is none. */
export class Watch {
  readonly activity = new RecentActivity();
  readonly traces = new RecentTraces();
  readonly #startedAt = new Date();

  /** @throws an Error that says what to do when it cannot listen there. */
  async serve(app: App, config: Config, { host, port }: ConsoleAddress): Promise<Console> {
    try {
      return await startConsole({ host, port, source: this.#toSource(app, config) });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      const where = `${toUrlHost(host)}:${port}`;
      const what =
        code === 'EADDRINUSE'
          ? `${where} is taken by another process; choose another port`
          : `cannot listen at ${where} (${message})`;
      throw Object.assign(new Error(`SLUICE_CONSOLE: ${what}`), { code });
    }
  }

  #toSource({ live, buffer }: App, { serviceName, backend }: Config): ConsoleSource {
    const { activity, traces } = this;
    return {
      about: { service: serviceName, version: VERSION, backend: backend.kind, startedAt: this.#startedAt },
      sessions: () => live.sessions(),
      uploads: () => live.uploads(),
      ended: () => activity.ended(),
      jobs: () => activity.jobs(),
      trace: (traceId) => traces.trace(traceId),
      buffer,
      onChange: (listener) => activity.onChange(listener),
    };
  }
}

export function announceConsole({ url }: Console, { host }: ConsoleAddress, log: Log): void {
  log.info({ url }, 'console');
  if (isLoopback(host)) return;
  log.warn(
    { host },
    'the console asks for no password: whoever reaches this address sees user names, addresses and paths (SLUICE_CONSOLE)',
  );
}
