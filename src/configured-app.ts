import { type App, type AppDependencies, createApp } from './app.ts';
import { createBackend } from './backends/create.ts';
import type { Config } from './config/load.ts';
import type { JobsResources } from './jobs/create.ts';
import type { Materials } from './materials.ts';

/**
 * The service as the environment has it.
 * @throws BackendError when a module has no backend.
 */
export async function createConfiguredApp(
  config: Config,
  { hostKeys, identities }: Materials,
  dependencies: AppDependencies,
): Promise<App> {
  const { backend, jobs } = config;
  const { sidecar, reportsRenames = false } = jobs ?? {};
  const parts = {
    hostKeys,
    authenticator: await identities.open(dependencies.log),
    openBackend: createBackend.bind(undefined, backend),
    openJobs:
      jobs &&
      (async (resources: JobsResources) => (await import('./jobs/create.ts')).createJobs(jobs, resources)),
  };
  return await createApp({ ...config, deliveries: { sidecar, reportsRenames } }, parts, dependencies);
}
