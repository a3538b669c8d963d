import type { Section } from './panel.ts';
import { busy, calls, gauge, percentile, rate } from './series.ts';

export const S3: Section = {
  title: 'S3',
  panels: [
    {
      title: 'Calls of S3, p99 by method',
      description: 'Retries included.',
      unit: 'seconds',
      series: [percentile(99, 'sluice.s3.call.duration', { by: ['rpc.method'] })],
    },
    {
      title: 'Calls of S3 that failed',
      description:
        'By method and error, after their retries. That something is not there is an answer, no failure.',
      unit: 'a second',
      series: [
        calls('sluice.s3.call.duration', {
          by: ['rpc.method', 'error.type'],
          where: { 'error.type': 'present' },
          color: 'bad',
        }),
      ],
      stacked: true,
    },
    {
      title: 'Operations of the backend, p99',
      description:
        'As clients wait for them; finish_write has the last parts, the completion and the job in it.',
      unit: 'seconds',
      series: [percentile(99, 'sluice.backend.operation.duration', { by: ['sluice.operation'] })],
    },
  ],
};

export const JOBS: Section = {
  title: 'Jobs',
  panels: [
    {
      title: 'Jobs, by where they are kept',
      description: 'queue: SQS took it. outbox: it lies in the bucket and is sent later.',
      unit: 'a second',
      series: [rate('sluice.jobs', { by: ['sluice.job.place'] })],
      stacked: true,
    },
    {
      title: 'Jobs and failure reports, by type',
      description: 'What consumers are about to get.',
      unit: 'a second',
      series: [rate('sluice.jobs', { by: ['sluice.job.type'] })],
    },
    {
      title: 'Outbox: records',
      description: 'Every task sees the same bucket, so the largest number is the true one, not the sum.',
      unit: 'count',
      series: [gauge('max', 'sluice.outbox.depth', { by: ['sluice.outbox'] })],
    },
    {
      title: 'Outbox: oldest record',
      description:
        'Falls back to 0 when SQS is back; what stays although the queue works is worth a look (sluice doctor).',
      unit: 'seconds',
      series: [gauge('max', 'sluice.outbox.oldest_age', { by: ['sluice.outbox'] })],
      concern: 60,
    },
    {
      title: 'Calls of SQS, p99 by method',
      description: 'Retries included.',
      unit: 'seconds',
      series: [percentile(99, 'sluice.sqs.call.duration', { by: ['rpc.method'] })],
    },
    {
      title: 'Calls of SQS that failed',
      description: 'By method and error, after their retries.',
      unit: 'a second',
      series: [
        calls('sluice.sqs.call.duration', {
          by: ['rpc.method', 'error.type'],
          where: { 'error.type': 'present' },
          color: 'bad',
        }),
      ],
      stacked: true,
    },
  ],
};

export const PROCESS: Section = {
  title: 'Memory and process',
  panels: [
    {
      title: 'Buffer',
      description: 'Bytes reserved in the memory budget and the budget, over all tasks.',
      unit: 'bytes',
      series: [
        gauge('sum', 'sluice.buffer.used', { label: 'used' }),
        gauge('sum', 'sluice.buffer.limit', { label: 'limit', color: 'limit' }),
      ],
    },
    {
      title: 'Reservations that wait',
      description:
        'Clients that are held up until memory is free. For minutes on end: more memory, more tasks or a slow S3.',
      unit: 'count',
      series: [gauge('sum', 'sluice.buffer.waiting', { label: 'waiting' })],
    },
    {
      title: 'Spool',
      description: 'Buffers that memory had no room for, on disk, over all tasks.',
      unit: 'bytes',
      series: [
        gauge('sum', 'sluice.spool.used', { label: 'used' }),
        gauge('sum', 'sluice.spool.limit', { label: 'limit', color: 'limit' }),
      ],
    },
    {
      title: 'Event loop delay',
      description: 'Of the slowest task.',
      unit: 'seconds',
      series: [
        gauge('max', 'nodejs.eventloop.delay.p50', { label: 'p50' }),
        gauge('max', 'nodejs.eventloop.delay.p99', { label: 'p99' }),
      ],
    },
    {
      title: 'Event loop utilization and CPU',
      description:
        'Of the busiest task. One process has one event loop: near 1 it is at its end, whatever the CPUs of the task.',
      unit: 'cores',
      series: [
        gauge('max', 'nodejs.eventloop.utilization', { label: 'event loop' }),
        busy('process.cpu.time', { by: ['cpu.mode'] }),
      ],
    },
    {
      title: 'Memory',
      description: 'Resident set size of the largest task: the budget and about 100 MiB for the rest.',
      unit: 'bytes',
      series: [gauge('max', 'process.memory.usage', { label: 'resident' })],
    },
  ],
};
