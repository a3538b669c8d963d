import { S3Client } from '@aws-sdk/client-s3';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { createConsumer } from './consumer.ts';
import { createLogger, type Logger } from './logger.ts';
import { processUpload } from './process-upload.ts';
import { startTelemetry } from './telemetry.ts';

const EXIT_MISCONFIGURED = 2;

// The SDK's notice about coming Node versions is none of the operator's business.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

/** The configuration; if it is wrong, the process ends here, with one line for each fault. */
function loadOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const fault of error.faults) process.stderr.write(`job-consumer: ${fault}\n`);
    process.exit(EXIT_MISCONFIGURED);
  }
}

/** npm passes on the Ctrl-C that a terminal has sent to this process already: within this time the two are one. */
const SAME_SIGNAL_MS = 500;

/** Resolves with the first SIGTERM or SIGINT; the second ends the process at once. */
function stopSignal(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (firstAt !== undefined && Date.now() - firstAt > SAME_SIGNAL_MS) process.exit(130);
        if (firstAt !== undefined) return;
        firstAt = Date.now();
        log.info({ signal }, 'stopping; once more ends it at once');
        resolve();
      });
    }
  });
}

const config = loadOrExit();
const log = createLogger(config.logLevel);
const telemetry = startTelemetry();
const s3 = new S3Client({
  // Other stores than AWS have no host name for each bucket.
  forcePathStyle: config.hasOwnS3,
  // The bytes are checked against the event, which knows what was uploaded; the SDK would do it once more.
  responseChecksumValidation: 'WHEN_REQUIRED',
  // A store that falls silent shall not keep a message for ever; nor may work pause for longer amid an object.
  requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
});
const consumer = createConsumer(config, {
  log,
  process: (upload) => processUpload(upload, { s3, resultPrefix: config.resultPrefix }),
});

const stopping = stopSignal(log);
consumer.start();
log.info({ queueUrl: config.queueUrl }, 'receiving');
await stopping;
await consumer.stop();
await telemetry.shutdown();
log.info({}, 'stopped');
process.exit();
