import type { MetricName } from '../src/telemetry/metrics.ts';
import type { Panel, Section } from './panel.ts';
import { CLIENTS, GLANCE, UPLOADS } from './panels-of-clients.ts';
import { JOBS, PROCESS, S3 } from './panels-of-services.ts';

/** Both dashboards, in the order in which one looks at three in the morning. */
export const SECTIONS: readonly Section[] = [GLANCE, UPLOADS, CLIENTS, S3, JOBS, PROCESS];

/** Metrics that no panel shows, each with the reason. */
export const LEFT_OUT: { readonly [Name in MetricName]?: string } = {
  'sluice.sts.call.duration':
    'one call an hour for each user, where there is a role at all; what fails is an error in the log that names the user',
};

export const PANELS: readonly Panel[] = SECTIONS.flatMap(({ numbers = [], panels }) => [
  ...numbers,
  ...panels,
]);
