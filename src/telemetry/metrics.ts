/** An instrument as OpenTelemetry knows them; `observable` ones are asked for their value when metrics are collected. */
interface MetricDefinition {
  readonly kind: 'counter' | 'histogram' | 'observable counter' | 'observable gauge';
  /** UCUM (https://ucum.org/ucum). */
  readonly unit: string;
  readonly description: string;
  /** Names of its attributes: of few values each, so that no client can make series without end. */
  readonly attributes: readonly string[];
}

/** Every metric of the service, by name; docs/telemetry.md is the same table for people, dashboards are built from it. */
export const METRICS = {
  'sluice.uploads': {
    kind: 'counter',
    unit: '{upload}',
    description: 'Uploads that have ended',
    attributes: ['sluice.backend', 'sluice.result'],
  },
  'sluice.upload.io': {
    kind: 'observable counter',
    unit: 'By',
    description: 'Bytes of files received, of uploads in progress too',
    attributes: [],
  },
  'sluice.upload.size': {
    kind: 'histogram',
    unit: 'By',
    description: 'Size of uploads when they ended',
    attributes: ['sluice.result'],
  },
  'sluice.upload.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'From OPEN to the end of CLOSE',
    attributes: ['sluice.backend', 'sluice.result'],
  },
  'sluice.upload.time_to_first_byte': {
    kind: 'histogram',
    unit: 's',
    description: 'From OPEN until S3 had taken the first bytes of the file',
    attributes: [],
  },
  'sluice.upload.active': {
    kind: 'observable gauge',
    unit: '{upload}',
    description: 'Uploads in progress',
    attributes: [],
  },
  'sluice.download.io': {
    kind: 'counter',
    unit: 'By',
    description: 'Bytes of files read from the backend for downloads',
    attributes: ['sluice.backend'],
  },
  'sluice.backend.operation.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Operations of the backend, one a call',
    attributes: ['sluice.backend', 'sluice.operation', 'sluice.result'],
  },
  'sluice.session.active': {
    kind: 'observable gauge',
    unit: '{session}',
    description: 'SSH connections that have authenticated',
    attributes: [],
  },
  'sluice.connections': {
    kind: 'counter',
    unit: '{connection}',
    description: 'TCP connections to the SFTP port, by what became of them first',
    attributes: ['sluice.outcome'],
  },
  'sluice.authentication.attempts': {
    kind: 'counter',
    unit: '{attempt}',
    description: 'Authentication attempts that were answered',
    attributes: ['sluice.authentication.method', 'sluice.outcome'],
  },
  'sluice.jobs': {
    kind: 'counter',
    unit: '{job}',
    description: 'Jobs and failure reports that became durable, or did not',
    attributes: ['sluice.job.type', 'sluice.job.place'],
  },
  'sluice.outbox.depth': {
    kind: 'observable gauge',
    unit: '{job}',
    description: 'Records in the outbox of the bucket at the last sweep: every task sees the same ones',
    attributes: ['sluice.outbox'],
  },
  'sluice.outbox.oldest_age': {
    kind: 'observable gauge',
    unit: 's',
    description: 'Age of the oldest record in the outbox; 0 when it is empty',
    attributes: ['sluice.outbox'],
  },
  'sluice.s3.call.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Calls of S3, retries included',
    attributes: ['rpc.method', 'error.type'],
  },
  'sluice.sqs.call.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Calls of SQS, retries included',
    attributes: ['rpc.method', 'error.type'],
  },
  'sluice.sts.call.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Calls of STS for the credentials of users, retries included',
    attributes: ['rpc.method', 'error.type'],
  },
  'sluice.buffer.used': {
    kind: 'observable gauge',
    unit: 'By',
    description: 'Buffered bytes that are reserved in the memory budget',
    attributes: [],
  },
  'sluice.buffer.limit': {
    kind: 'observable gauge',
    unit: 'By',
    description: 'The memory budget',
    attributes: [],
  },
  'sluice.buffer.waiting': {
    kind: 'observable gauge',
    unit: '{reservation}',
    description: 'Reservations that wait for memory: their clients are held up',
    attributes: [],
  },
  'sluice.spool.used': {
    kind: 'observable gauge',
    unit: 'By',
    description: 'Bytes of buffers in the spool folder',
    attributes: [],
  },
  'sluice.spool.limit': {
    kind: 'observable gauge',
    unit: 'By',
    description: 'Bytes that may lie in the spool folder',
    attributes: [],
  },
  'nodejs.eventloop.delay.p50': {
    kind: 'observable gauge',
    unit: 's',
    description: 'Event loop delay since the last collection, median',
    attributes: [],
  },
  'nodejs.eventloop.delay.p99': {
    kind: 'observable gauge',
    unit: 's',
    description: 'Event loop delay since the last collection, 99th percentile',
    attributes: [],
  },
  'nodejs.eventloop.utilization': {
    kind: 'observable gauge',
    unit: '1',
    description: 'Share of the time since the last collection in which the event loop was busy',
    attributes: [],
  },
  'process.cpu.time': {
    kind: 'observable counter',
    unit: 's',
    description: 'CPU time of the process',
    attributes: ['cpu.mode'],
  },
  'process.memory.usage': {
    kind: 'observable gauge',
    unit: 'By',
    description: 'Resident set size of the process',
    attributes: [],
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
