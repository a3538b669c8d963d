import type { Section } from './panel.ts';
import { gauge, percentiles, rate, share } from './series.ts';

const FAILED = { not: 'ok' } as const;

export const GLANCE: Section = {
  title: 'At a glance',
  numbers: [
    {
      title: 'Uploads failed',
      description:
        'Uploads that ended in anything but ok, each second. Clients that hang up count too (ECONNABORTED).',
      unit: 'a second',
      series: [rate('sluice.uploads', { where: { 'sluice.result': FAILED }, label: 'failed', color: 'bad' })],
      concern: 0.01,
    },
    {
      title: 'Uploads in progress',
      description: 'From OPEN to the end of CLOSE, over all tasks.',
      unit: 'count',
      series: [gauge('sum', 'sluice.upload.active', { label: 'in progress' })],
    },
    {
      title: 'Sessions',
      description: 'SSH connections that have authenticated, over all tasks.',
      unit: 'count',
      series: [gauge('sum', 'sluice.session.active', { label: 'sessions' })],
    },
    {
      title: 'Buffer in use',
      description:
        'Share of the memory budget that is reserved, in the task where it is largest. Full is no fault: clients wait.',
      unit: 'share',
      series: [share('sluice.buffer.used', 'sluice.buffer.limit', { label: 'in use' })],
      concern: 0.9,
    },
    {
      title: 'Oldest job in the outbox',
      description: 'Grows while SQS takes no jobs. They are safe in the bucket, and late.',
      unit: 'seconds',
      series: [gauge('max', 'sluice.outbox.oldest_age', { label: 'age' })],
      concern: 60,
    },
    {
      title: 'Event loop, p99 delay',
      description: 'Of the slowest task: what each of its connections waits for in addition.',
      unit: 'seconds',
      series: [gauge('max', 'nodejs.eventloop.delay.p99', { label: 'p99' })],
      concern: 0.1,
    },
  ],
  panels: [],
};

export const UPLOADS: Section = {
  title: 'Uploads and downloads',
  panels: [
    {
      title: 'Uploads that failed, by result',
      description:
        'The POSIX code of docs/errors.md. ECONNABORTED: the client went away. EIO: the store failed, or we did.',
      unit: 'a second',
      series: [
        rate('sluice.uploads', { by: ['sluice.result'], where: { 'sluice.result': FAILED }, color: 'bad' }),
      ],
      stacked: true,
    },
    {
      title: 'Uploads ended',
      description: 'Good ones and the others.',
      unit: 'a second',
      series: [
        rate('sluice.uploads', { where: { 'sluice.result': { is: 'ok' } }, label: 'ok', color: 'good' }),
        rate('sluice.uploads', { where: { 'sluice.result': FAILED }, label: 'failed', color: 'bad' }),
      ],
    },
    {
      title: 'Bytes in and out',
      description: 'Bytes of files; what SSH adds to them is not counted.',
      unit: 'bytes a second',
      series: [
        rate('sluice.upload.io', { label: 'received' }),
        rate('sluice.download.io', { label: 'read for downloads' }),
      ],
    },
    {
      title: 'Duration of uploads that went well',
      description:
        'From OPEN to the end of CLOSE. Mostly the client and its line; look at the time in S3 beside it.',
      unit: 'seconds',
      series: percentiles('sluice.upload.duration', { where: { 'sluice.result': { is: 'ok' } } }),
    },
    {
      title: 'Time to first byte',
      description: 'From OPEN until S3 had taken the first bytes of the file.',
      unit: 'seconds',
      series: percentiles('sluice.upload.time_to_first_byte'),
    },
    {
      title: 'Size of uploads that went well',
      description: 'What partners send.',
      unit: 'bytes',
      series: percentiles('sluice.upload.size', { where: { 'sluice.result': { is: 'ok' } } }),
    },
  ],
};

export const CLIENTS: Section = {
  title: 'Clients',
  panels: [
    {
      title: 'Sessions and uploads',
      description: 'Over all tasks.',
      unit: 'count',
      series: [
        gauge('sum', 'sluice.session.active', { label: 'sessions' }),
        gauge('sum', 'sluice.upload.active', { label: 'uploads' }),
      ],
    },
    {
      title: 'Authentication that failed, by method',
      description:
        'A client with several keys is refused with each but one. Nobody to ask: the users could not be read.',
      unit: 'a second',
      series: [
        rate('sluice.authentication.attempts', {
          by: ['sluice.authentication.method'],
          where: { 'sluice.outcome': { is: 'refused' } },
          label: 'refused',
        }),
        rate('sluice.authentication.attempts', {
          by: ['sluice.authentication.method'],
          where: { 'sluice.outcome': { is: 'failed' } },
          label: 'nobody to ask',
          color: 'bad',
        }),
      ],
    },
    {
      title: 'Connections, by what became of them',
      description: 'TCP connections to the SFTP port. Checks of a load balancer close them without a word.',
      unit: 'a second',
      series: [rate('sluice.connections', { by: ['sluice.outcome'] })],
      stacked: true,
    },
  ],
};
