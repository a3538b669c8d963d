import { createConfiguredApp } from '../../configured-app.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { startTelemetry } from '../../telemetry/sdk.ts';
import { Watch } from '../console.ts';
import { explain } from '../faults.ts';
import { aborted, stopSignal } from '../stop-signal.ts';
import { PASSWORD, prepareDemo, USERNAME } from './demo.ts';
import { BUCKET, type Emulators, startEmulators } from './emulators.ts';
import { receiveJobs } from './receive-jobs.ts';
import { Terminal } from './terminal.ts';
import { onFailedUpload, spansOfJob } from './upload-traces.ts';

/** How long uploads in progress may go on after Ctrl-C, in seconds. */
const DRAIN_SECONDS = 5;

/** `sluice dev`: the whole thing in one process and one terminal, to try it. */
export async function dev(): Promise<void> {
  const stop = stopSignal();
  const terminal = new Terminal(process.stdout);
  const watch = new Watch();
  const { traces, activity } = watch;
  try {
    const emulators = await startEmulators();
    const demo = await prepareDemo(emulators);
    const log = createLogger('silent');
    const telemetry = await startTelemetry({
      serviceName: demo.config.serviceName,
      log: { ...log, warn: ({ problem }, message) => terminal.warning(`${message}: ${problem}`) },
      processors: [traces],
      exports: demo.config.hasTraceReceiver,
    });
    const { tracer, metrics } = telemetry;
    const app = await createConfiguredApp(demo.config, demo.materials, { log, tracer, metrics, activity });
    const site = await demo.serveConsole(app, watch);
    const { port, takenPort } = await demo.listen(app);
    terminal.welcome({
      consoleUrl: site.url,
      port,
      knownHosts: await demo.trustHostKey(port),
      username: USERNAME,
      password: PASSWORD,
      usersFile: demo.usersFile,
      s3Endpoint: emulators.aws.endpoint,
      bucket: BUCKET,
      consumerEnv: toConsumerEnv(emulators),
      takenPort,
    });

    onFailedUpload(traces, (traceId, spans) => terminal.failedUpload(traceId, spans));
    const stopReceiving = receiveJobs(emulators, async (event) => {
      if (event.type === 'sluice.upload.finished.v1') {
        terminal.finishedUpload(event, await spansOfJob(traces, event));
      } else terminal.otherEvent(event);
    });
    await aborted(stop);
    terminal.goodbye();
    await app.close(DRAIN_SECONDS);
    await stopReceiving();
    await site.close();
    await telemetry.shutdown();
    await emulators.stop();
    process.exit(0);
  } catch (error) {
    explain(error);
    process.exit(1);
  }
}

function toConsumerEnv({ aws, consumerQueueUrl }: Emulators): Readonly<Record<string, string>> {
  return {
    CONSUMER_QUEUE_URL: consumerQueueUrl,
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: aws.region,
    AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
  };
}
