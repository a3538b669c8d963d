import type { WriteStream } from 'node:tty';
import type { RecordedSpan } from '../../contract/activity.ts';
import type { JobEvent, UploadFinishedEvent } from '../../jobs/event.ts';
import { createPaint, formatBytes, type Paint, printable } from './format.ts';
import { attributeOf, traceIdOf } from './upload-traces.ts';
import { drawWaterfall } from './waterfall.ts';

export interface Welcome {
  readonly port: number;
  readonly knownHosts: string;
  readonly username: string;
  readonly password: string;
  readonly usersFile: string;
  readonly s3Endpoint: string;
  readonly bucket: string;
  readonly consoleUrl: string;
  /** What a consumer of the jobs has to be told. */
  readonly consumerEnv: Readonly<Record<string, string>>;
  /** Set when the usual port was taken. */
  readonly takenPort: number | undefined;
}

/** What `sluice dev` shows. */
export class Terminal {
  readonly #stream: WriteStream;
  readonly #paint: Paint;

  constructor(stream: WriteStream) {
    this.#stream = stream;
    this.#paint = createPaint(stream);
  }

  welcome(welcome: Welcome): void {
    const { port, knownHosts, username, password, takenPort } = welcome;
    const bold = (text: string) => this.#paint('bold', text);
    const command = `sftp -P ${port} -o UserKnownHostsFile=${quote(knownHosts)} ${username}@127.0.0.1`;
    const lines = [
      '',
      `${bold('Sluice')} is listening on 127.0.0.1, port ${port}. S3 and SQS run in this process; nothing leaves it.`,
      ...(takenPort === undefined
        ? []
        : [`(Port ${takenPort} is taken; set SLUICE_PORT to choose another.)`]),
      '',
      'In another terminal:',
      '',
      `  ${bold(command)}`,
      `  password: ${bold(password)}`,
      '',
      'then, at its prompt, for instance:',
      '',
      '  put README.md',
      '  ls -l',
      '',
      'In a third terminal, a consumer of the jobs (examples/job-consumer):',
      '',
      `  ${bold(`${assignments(welcome.consumerEnv)} npm start -w sluice-job-consumer`)}`,
      '',
      `Console: ${bold(welcome.consoleUrl)}`,
      `Users:   ${welcome.usersFile}`,
      `Bucket:  s3://${welcome.bucket} at ${welcome.s3Endpoint}`,
      '',
      'Waiting for uploads. Ctrl-C stops the server and forgets the files.',
      '',
    ];
    this.#write(lines);
  }

  finishedUpload(job: UploadFinishedEvent, spans: readonly RecordedSpan[]): void {
    const { size, path, bucket, key } = job.data;
    const seconds = (Date.parse(job.data.finishedAt) - Date.parse(job.data.startedAt)) / 1000;
    const rate = seconds > 0 ? ` (${formatBytes(Math.round(size / seconds))}/s)` : '';
    this.#write([
      `${this.#paint('green', 'stored')} ${this.#paint('bold', printable(path))}: ${formatBytes(size)} in ${seconds.toFixed(2)} s${rate}`,
      `  object  s3://${bucket}/${printable(key)}`,
      `  trace   ${traceIdOf(job) ?? ''}`,
      ...drawWaterfall(spans, this.#paint).map((line) => `    ${line}`),
      '  job',
      ...this.#json(job),
      '',
    ]);
  }

  otherEvent(event: JobEvent): void {
    this.#write([
      `${this.#paint('bold', event.type)} ${printable(event.data.path)}`,
      ...this.#json(event),
      '',
    ]);
  }

  failedUpload(traceId: string, spans: readonly RecordedSpan[]): void {
    const root = spans.find((span) => span.parentSpanId === undefined);
    this.#write([
      `${this.#paint('red', 'not stored')} ${this.#paint('bold', printable(attributeOf(root, 'PATH') ?? ''))}: ${printable(root?.error ?? '')}`,
      `  trace   ${traceId}`,
      ...drawWaterfall(spans, this.#paint).map((line) => `    ${line}`),
      '',
    ]);
  }

  warning(text: string): void {
    this.#write([`${this.#paint('red', 'warning')} ${text}`, '']);
  }

  goodbye(): void {
    this.#write(['', 'Stopping: uploads in progress may finish. Once more Ctrl-C ends it at once.']);
  }

  #json(event: JobEvent): string[] {
    return JSON.stringify(event, null, 2)
      .split('\n')
      .map((line) => `    ${this.#paint('dim', printable(line))}`);
  }

  #write(lines: readonly string[]): void {
    this.#stream.write(`${lines.join('\n')}\n`);
  }
}

/** As a shell wants them before a command. */
function assignments(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** As a shell wants it. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
