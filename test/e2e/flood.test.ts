import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { Dice } from '../support/dice.ts';
import {
  createSurroundings,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from '../support/service.ts';
import { USERNAME } from '../support/workspace.ts';

const SIZE = 2 * 1024 * 1024;
const MAX_SESSIONS = 100;
const MAX_STARTUPS = 20;

/** Addresses of this machine, each a client of its own. */
const GUESSER = '127.0.0.2';
const address = (number: number) => `127.0.1.${number}`;

let around: Surroundings;
let service: Service;

beforeEach(async () => {
  around = await createSurroundings();
  service = await startService({
    ...around.env,
    SLUICE_MAX_SESSIONS: String(MAX_SESSIONS),
    SLUICE_MAX_STARTUPS_PER_ADDRESS: String(MAX_STARTUPS),
    SLUICE_PENALTY_EXEMPT: 'none',
  });
});
afterEach(async () => {
  await service?.stop();
  await around?.close();
});

/** A connection that says nothing, and takes whatever becomes of it. */
async function standAbout(localAddress: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: service.port, localAddress });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined).resume();
  await once(socket, 'connect');
  return socket;
}

/** A partner who knows how to log in uploads a file. */
async function expectUpload(): Promise<void> {
  const file = around.workspace.path('file.bin');
  await writeFile(file, randomBytes(SIZE));
  expect(await sftp(service, around.workspace, [`put ${file} /in.bin`])).toMatchObject({ code: 0 });
  expect((await around.job('/in.bin')).data.size).toBe(SIZE);
}

/** What becomes of one wrong password, or of the connection before it. */
function guess(localAddress: string): Promise<'refused' | 'kept outside'> {
  return new Promise((resolve) => {
    const client = new ssh2.Client();
    const sock = connect({ host: '127.0.0.1', port: service.port, localAddress });
    client.on('error', (error: Error & { level?: string }) =>
      resolve(error.level === 'client-authentication' ? 'refused' : 'kept outside'),
    );
    client.connect({ sock, username: USERNAME, password: 'a guess', tryKeyboard: false });
  });
}

test('connections that say nothing, from many addresses and more than there are places, keep nobody out', async () => {
  const socks = Array.from({ length: 3 * MAX_SESSIONS }, (_, number) =>
    standAbout(address(1 + (number % 100))),
  );
  await Promise.all(socks);
  await expectUpload();
});

test('nor do those of one address, of which the oldest are ended', async () => {
  const silent = await Promise.all(Array.from({ length: 5 * MAX_STARTUPS }, () => standAbout(address(1))));
  await expectUpload();
  expect(silent.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(MAX_STARTUPS);
});

test('who guesses passwords is kept outside, and nobody else is', async () => {
  const answers = [];
  while (answers.at(-1) !== 'kept outside' && answers.length < 20) answers.push(await guess(GUESSER));
  // Three of five seconds each are fifteen: two or three more may be needed, since penalties pass while one guesses.
  expect(answers.length).toBeLessThan(10);
  await expectUpload();
  expect(await guess(GUESSER)).toBe('kept outside');
  const [told] = service.logged('connection refused: too many failed logins from this address');
  expect(told?.['sourceIp']).toBe(GUESSER);
});

test('random bytes on the port, with and without the beginning of SSH, break nothing', async () => {
  const dice = new Dice(20_266);
  for (let round = 0; round < 20; round++) {
    const sockets = await Promise.all(
      Array.from({ length: 15 }, (_, number) => standAbout(address(1 + ((15 * round + number) % 250)))),
    );
    const ended = sockets.map(
      (socket) => socket.closed || new Promise((resolve) => socket.once('close', resolve)),
    );
    for (const socket of sockets) {
      const beginning = dice.pick([
        '',
        'SSH-2.0-x\r\n',
        'SSH-1.99-x\r\n',
        'SSH-2.0-\r\n',
        'GET / HTTP/1.1\r\n\r\n',
      ]);
      const length = dice.chance(0.5)
        ? Buffer.alloc(0)
        : Buffer.from([0, 0, dice.between(0, 255), dice.between(0, 255)]);
      socket.end(Buffer.concat([Buffer.from(beginning), length, dice.bytes(dice.between(0, 4000))]));
    }
    await Promise.all(ended);
  }
  await expectUpload();
  expect(
    service.running.lines.filter((line) => /"level":"?(60|fatal)|uncaught|unhandled/i.test(line)),
  ).toEqual([]);
});
