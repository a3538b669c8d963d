import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { TaskProtection } from '../src/task-protection.ts';
import { collectLog, type LogLine } from './support/collect-log.ts';
import { type Answer, type EcsAgent, protects, startEcsAgent } from './support/ecs-agent.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

let agent: EcsAgent;
let protection: TaskProtection;
let lines: LogLine[];
let now: number;
/** When each upload in progress began. */
let uploads: number[];

beforeEach(async () => {
  agent = await startEcsAgent();
  const { log, ...collected } = collectLog();
  lines = collected.lines as LogLine[];
  now = 1_000 * MINUTE;
  uploads = [];
  protection = new TaskProtection({
    agentUri: agent.uri,
    uploads: () => uploads.map((startedAt) => ({ startedAt: new Date(startedAt) })),
    log,
    now: () => now,
  });
});
afterEach(() => agent.close());

/** Time goes on, and the uploads are looked at every five seconds. */
async function pass(ms: number): Promise<void> {
  for (const end = now + ms; now < end; ) {
    now += 5 * SECOND;
    await protection.look();
  }
}

const asked = () => agent.requests.map(({ body }) => body);
const warnings = () => lines.filter(({ level }) => level === 'warn');
const ON = { ProtectionEnabled: true, ExpiresInMinutes: 10 };
const OFF = { ProtectionEnabled: false };

test('a task without uploads, or with short ones alone, asks for nothing', async () => {
  await pass(MINUTE);
  for (let count = 0; count < 100; count++) {
    uploads = [now + 1];
    await pass(5 * SECOND);
  }
  expect(agent.requests).toEqual([]);
  expect(lines).toEqual([]);
});

test('a long upload is protected as ECS has it, once', async () => {
  uploads = [now];
  await pass(2 * MINUTE);
  expect(agent.requests).toEqual([
    {
      method: 'PUT',
      path: '/api/0123456789abcdef/task-protection/v1/state',
      contentType: 'application/json',
      body: ON,
    },
  ]);
  expect(lines.map(({ message }) => message)).toEqual(['ECS spares this task while uploads go on']);
});

test('an upload that lasts is protected again and again, long before the protection expires', async () => {
  uploads = [now];
  const times: number[] = [];
  agent.answer = (...args) => {
    times.push(now);
    protects(...args);
  };
  await pass(30 * MINUTE);
  expect(asked().every((body) => JSON.stringify(body) === JSON.stringify(ON))).toBe(true);
  const gaps = times.slice(1).map((time, index) => time - (times[index] as number));
  expect(gaps).toEqual(Array.from({ length: 5 }, () => 5 * MINUTE));
  expect(lines).toHaveLength(1);
});

test('the protection is given up a minute after the last long upload, and not before', async () => {
  uploads = [now];
  await pass(MINUTE);
  uploads = [];
  await pass(55 * SECOND);
  uploads = [now - MINUTE];
  await pass(5 * SECOND);
  uploads = [];
  await pass(55 * SECOND);
  expect(asked()).toEqual([ON]);
  await pass(5 * SECOND);
  expect(asked()).toEqual([ON, OFF]);
  await pass(10 * MINUTE);
  expect(asked()).toHaveLength(2);
});

const status =
  (code: number, body: string): Answer =>
  (_, response) => {
    response.statusCode = code;
    response.end(body);
  };

const FAILURE = {
  failure: { Arn: 'arn:aws:ecs:1:task/1', Detail: null, Reason: 'DEPLOYMENT_BLOCKED' },
};
const ERROR = {
  error: { Arn: 'arn:aws:ecs:1:task/1', Code: 'AccessDeniedException', Message: 'not authorized' },
};

test.each<[string, Answer, RegExp]>([
  ['a failure inside a 200', status(200, JSON.stringify(FAILURE)), /status 200, .*DEPLOYMENT_BLOCKED/],
  ['no permission', status(400, JSON.stringify(ERROR)), /status 400, .*AccessDenied/],
  ['throttling', status(429, ''), /status 429/],
  ['an old agent', status(404, '404 page not found'), /status 404, 404 page/],
  [
    'another state than was asked for',
    status(200, '{"protection":{"ProtectionEnabled":false}}'),
    /status 200/,
  ],
  ['a page of something else', status(200, `<html>${'x'.repeat(100_000)}`), /^.{0,600}$/],
  ['a connection that breaks', (_, response) => void response.destroy(), /./],
])(
  '%s is told once, tried again a minute later, and forgotten when it is over',
  async (_, answer, reason) => {
    agent.answer = answer;
    uploads = [now];
    await pass(10 * MINUTE);
    expect(warnings()).toHaveLength(1);
    const { message, fields } = warnings()[0] as LogLine;
    expect(message).toMatch(/does not spare this task/);
    expect((fields['err'] as Error).message).toMatch(reason);
    expect(agent.requests).toHaveLength(10);

    agent.answer = protects;
    await pass(2 * MINUTE);
    expect(agent.requests).toHaveLength(11);
    expect(lines.at(-1)).toMatchObject({
      level: 'info',
      message: 'ECS spares this task while uploads go on',
    });

    agent.answer = answer;
    await pass(10 * MINUTE);
    expect(warnings()).toHaveLength(2);
  },
);

test('an agent that does not answer is asked nothing more meanwhile', async () => {
  let release = (): void => undefined;
  agent.answer = (...args) => {
    release = () => protects(...args);
  };
  uploads = [now - MINUTE];
  const looking = protection.look();
  await agent.asked(1);
  await pass(10 * MINUTE);
  expect(agent.requests).toHaveLength(1);
  release();
  await looking;
  expect(warnings()).toEqual([]);
});

test('once started it looks by itself, until it is told to stop', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const stop = new AbortController();
  uploads = [now - MINUTE];
  protection.start(stop.signal);
  vi.advanceTimersByTime(5 * SECOND);
  await agent.asked(1);
  expect(vi.getTimerCount()).toBe(1);
  stop.abort();
  expect(vi.getTimerCount()).toBe(0);
});
