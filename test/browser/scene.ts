import type { RecordedSpan, RecordedTrace } from '../../src/contract/activity.ts';
import { Dice } from '../support/dice.ts';
import { aJob, anEndedUpload, aSession, aSpan, MiB, ScriptedSource } from '../support/scripted-source.ts';

const PARTNERS = [
  { username: 'acme', clientAddress: '192.0.2.7', clientVersion: 'OpenSSH_9.2p1 Debian-2' },
  { username: 'globex', clientAddress: '198.51.100.23', clientVersion: 'WinSCP_release_6.3.5' },
  { username: 'initech', clientAddress: '203.0.113.88', clientVersion: 'paramiko_3.4.0' },
  { username: 'umbrella', clientAddress: '2001:db8::4f:12', clientVersion: 'lftp_4.9.2' },
] as const;

const FILES = [
  'invoices/2026-11/INV-204#.pdf',
  'daily/positions-20261121-#.csv.gz',
  'telemetry/site-0#.parquet',
  'exports/customers_#.json',
  'media/raw/A001_C#_1121.mov',
];

export const FAILED_UPLOAD = '5b0c9f0e-63c4-4f0e-9d1f-3f3f5c1b7a52';
const FAILED_BYTES = 95_682_560;

/** A day at the front door, the same every time: `uploading` uploads in progress and what has ended before them. */
export function makeScene(uploading: number): { readonly source: ScriptedSource; advance(ms: number): void } {
  const source = new ScriptedSource();
  const dice = new Dice(7);
  const now = Date.now();
  const traceId = (n: number) => (0x5eed0000 + n).toString(16).padStart(32, '4bf92f3577b34da6');
  for (let n = 0; n < 24; n++) {
    const { username, clientAddress } = dice.pick(PARTNERS);
    const endedAt = new Date(now - (24 - n) ** 2 * 9000 - 4000);
    const failed = n === 22 || n === 11;
    const size = dice.between(40_000, 900 * MiB);
    const bytes = failed ? FAILED_BYTES : size;
    const id = n === 22 ? FAILED_UPLOAD : `e${n}`;
    const path = `/in/${dice.pick(FILES).replace('#', String(100 + n))}`;
    const result = n === 22 ? 'EAGAIN' : failed ? 'ECONNABORTED' : 'ok';
    const lasted = Math.max(40, (bytes / (dice.between(20, 90) * MiB)) * 1000);
    const key = failed ? undefined : `tenants/${username}${path}`;
    const upload = { id, path, username, clientAddress, endedAt, bytes, result, key, traceId: traceId(n) };
    source.activity.uploadEnded(
      anEndedUpload({ ...upload, startedAt: new Date(endedAt.getTime() - (failed ? 9412 : lasted)) }),
    );
    source.traces.set(
      traceId(n),
      failed ? failedTrace(path, endedAt.getTime() - 9412) : { spans: [], leftOut: 0 },
    );
    const place = n === 17 ? 'outbox' : 'queue';
    source.activity.jobSent(aJob({ id, path, sentAt: endedAt, place, type: failed ? 'failed' : 'finished' }));
  }

  const speeds = new Map<string, number>();
  for (let n = 0; n < uploading; n++) {
    const { username, clientAddress } = PARTNERS[n % PARTNERS.length] ?? PARTNERS[0];
    const expected = dice.between(200, 4000) * MiB;
    const share = dice.next() * 0.9;
    source.put({
      id: `l${n}`,
      username,
      clientAddress,
      path: `/in/${dice.pick(FILES).replace('#', String(400 + n))}`,
      bytes: Math.round(expected * share),
      expectedBytes: n % 6 === 5 ? undefined : expected,
      startedAt: new Date(now - dice.between(5, 190) * 1000),
      isFinishing: n === 2,
    });
    speeds.set(`l${n}`, n === 2 ? 0 : dice.between(4, 38) * MiB);
  }
  for (const [n, { username, clientAddress, clientVersion }] of PARTNERS.entries()) {
    if (uploading === 0 && n > 0) break;
    const { connection, ...session } = aSession({ id: `s${n}`, username });
    source.liveSessions.push({
      ...session,
      connection: { ...connection, clientAddress, clientVersion },
      connectedAt: new Date(now - dice.between(200, 20_000) * 1000),
      bytesIn: uploading === 0 ? 18_344 : dice.between(1, 40_000) * MiB,
      bytesOut: dice.between(1, 300) * 1024 * 12,
    });
  }
  const advance = (ms: number): void => {
    for (const { id, bytes, expectedBytes = Number.MAX_SAFE_INTEGER } of source.uploads()) {
      const more = ((speeds.get(id) ?? 0) * ms * (0.8 + dice.next() * 0.4)) / 1000;
      const size = Math.min(expectedBytes, Math.round(bytes + more));
      source.put({ id, bytes: size, isFinishing: size === expectedBytes || id === 'l2' });
    }
    source.usedBytes = uploading === 0 ? 0 : Math.round((88 + dice.next() * 30) * MiB);
  };
  return { source, advance };
}

/** Parts go up until S3 does not take one; what had gone up is aborted. */
function failedTrace(path: string, startMs: number): RecordedTrace {
  const spans: RecordedSpan[] = [];
  const add = (spanId: string, from: number, to: number, span: Partial<RecordedSpan>) =>
    spans.push(aSpan({ spanId, startMs: startMs + from, endMs: startMs + to, ...span }));
  const own = { 'sluice.backend': 's3', 'sluice.path': path, 'sluice.result': 'ok' };
  const s3 = (method: string, more: RecordedSpan['attributes'] = {}): Partial<RecordedSpan> => ({
    name: `S3.${method}`,
    kind: 'client',
    attributes: { 'rpc.service': 'S3', 'rpc.method': method, 'aws.s3.bucket': 'partner-uploads', ...more },
  });
  const error = 'S3: Please reduce your request rate.';
  const event = {
    name: 'exception',
    atMs: startMs + 9205,
    attributes: { 'exception.type': 'FsError', 'exception.message': error },
  };
  const failed = { error, attributes: { ...own, 'sluice.result': 'EAGAIN' } };
  const user = { 'user.name': 'initech', 'client.address': '203.0.113.88', 'sluice.bytes': FAILED_BYTES };
  add('root', 0, 9412, {
    ...failed,
    name: 'sluice.upload',
    kind: 'server',
    parentSpanId: undefined,
    attributes: { ...failed.attributes, ...user },
  });
  add('begin', 0.4, 38, { name: 'backend.begin_write', attributes: own });
  add('head', 1, 36, { ...s3('HeadObject'), parentSpanId: 'begin' });
  for (let part = 0; part < 12; part++) {
    const from = 40 + part * 420;
    const writes = { ...own, 'sluice.bytes': 8 * MiB, 'sluice.write.count': 256 };
    const isLast = part === 11;
    const took = isLast ? 4400 : 330 + (part % 3) * 55;
    add(`part${part}`, from, from + (isLast ? 4500 : 400), {
      ...(isLast ? { ...failed, events: [event] } : {}),
      attributes: isLast ? { ...writes, 'sluice.result': 'EAGAIN' } : writes,
    });
    const refused = {
      'http.response.status_code': 503,
      'http.request.resend_count': 4,
      'error.type': 'SlowDown',
    };
    add(`s3-${part}`, from + 60, from + 60 + took, {
      ...s3('UploadPart', { 'aws.s3.part_number': part + 1, ...(isLast ? refused : {}) }),
      parentSpanId: `part${part}`,
      ...(isLast ? { error: 'Please reduce your request rate.' } : {}),
    });
  }
  add('abort', 9208, 9405, { name: 'backend.abort_write', attributes: own });
  add('s3-abort', 9209, 9240, { ...s3('AbortMultipartUpload'), parentSpanId: 'abort' });
  add('report', 9262, 9281, {
    name: 'sqs.send',
    kind: 'producer',
    parentSpanId: 'abort',
    attributes: { 'sluice.job.place': 'queue', 'messaging.system': 'aws_sqs' },
  });
  return { spans, leftOut: 0 };
}
