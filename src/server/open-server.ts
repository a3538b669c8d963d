import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createApp } from '../app.ts';
import { LIMITS, type Limits, wholeNumberFault } from '../config/values.ts';
import type { Log } from '../contract/log.ts';
import { globalTelemetry } from '../telemetry/global-telemetry.ts';
import { createTell, type ServerEvents, toActivityListener } from './events.ts';
import type { ServerOptions } from './options.ts';
import { OptionsError } from './options-error.ts';
import type { SluiceServer } from './server.ts';
import { toAuthenticator } from './to-authenticator.ts';
import { toBackendOpener } from './to-backend.ts';
import { toHostKeys } from './to-host-keys.ts';
import { toJobsOpener } from './to-jobs.ts';
import { toSettings } from './to-settings.ts';

const silence = () => undefined;
const SILENT: Log = { debug: silence, info: silence, warn: silence, error: silence };

/** As {@link createServer}, with everything that a server needs loaded. */
export async function openServer(options: ServerOptions): Promise<SluiceServer> {
  if (typeof options !== 'object' || options === null) throw new OptionsError(['options: must be an object']);
  const { log = SILENT } = options;
  const [settings, hostKeys, authenticator, openBackend, openJobs] = await allOrFaults([
    toSettings(options),
    toHostKeys(options.hostKeys),
    toAuthenticator(options.auth, log),
    toBackendOpener(options.backend, options.backendOptions),
    toJobsOpener(options),
  ]);
  const emitter = new EventEmitter<ServerEvents>();
  const tell = createTell(emitter, log);
  const app = await createApp(
    settings,
    { hostKeys, authenticator, openBackend, openJobs },
    { log, ...globalTelemetry(options), activity: toActivityListener(tell) },
  );

  let address: AddressInfo | undefined;
  let closing: Promise<void> | undefined;

  async function end(drainSeconds: number): Promise<void> {
    address = undefined;
    await app.close(drainSeconds);
    app.stopObserving();
    tell('close');
  }

  const server = Object.assign(emitter, {
    hostKeys: app.hostKeys.map(({ type, fingerprint, publicLine }) => ({ type, fingerprint, publicLine })),
    listen: async ({ port, host }: { port?: number | undefined; host?: string | undefined } = {}) => {
      assertWithin('port', port, LIMITS.port);
      if (closing !== undefined) throw new Error('the server was closed: create another one');
      const listening = await app.listen(port, host);
      address = listening;
      tell('listening', listening);
      return listening;
    },
    address: () => address,
    sessions: () => app.live.sessions(),
    uploads: () => app.live.uploads(),
    probe: async () => {
      const results = [...app.probes].map(async ([name, probe]) => [name, await probe()] as const);
      return new Map(await Promise.all(results));
    },
    close: ({ drainSeconds }: { drainSeconds?: number | undefined } = {}) => {
      assertWithin('drainSeconds', drainSeconds, LIMITS.drainSeconds);
      closing ??= end(drainSeconds ?? LIMITS.drainSeconds.fallback);
      return closing;
    },
    [Symbol.asyncDispose]: () => server.close(),
  });
  return server;
}

function assertWithin(name: string, value: number | undefined, { min, max }: Limits): void {
  if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
  throw new OptionsError([`${name}: ${wholeNumberFault({ min, max })}`]);
}

/** All of them. @throws OptionsError with the faults of all that have some. */
async function allOrFaults<T extends readonly unknown[]>(
  parts: { readonly [K in keyof T]: Promise<T[K]> },
): Promise<T> {
  const settled = await Promise.allSettled(parts);
  const reasons = settled.flatMap((part) => (part.status === 'rejected' ? [part.reason as unknown] : []));
  const other = reasons.find((reason) => !(reason instanceof OptionsError));
  if (other !== undefined) throw other;
  const faults = reasons.flatMap((reason) => (reason instanceof OptionsError ? reason.faults : []));
  if (faults.length > 0) throw new OptionsError(faults);
  return settled.map((part) => (part as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
