import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { SocketValve } from '../../src/ssh/socket-valve.ts';

test('is open when everybody who shut it has opened it again', () => {
  const socket = new Duplex({ read: () => undefined }) as Socket;
  socket.on('data', () => undefined);
  const valve = new SocketValve(socket);
  const [one, two] = [{}, {}];
  const states = [() => valve.shut(one), () => valve.shut(two), () => valve.shut(one), () => valve.open(one)];
  for (const change of states) {
    change();
    expect([valve.isShut, socket.isPaused()]).toEqual([true, true]);
  }
  valve.open(two);
  expect([valve.isShut, socket.isPaused()]).toEqual([false, false]);
});

test('who has not shut it cannot open it, nor start a socket that somebody else has paused', () => {
  const socket = new Duplex({ read: () => undefined }) as Socket;
  const valve = new SocketValve(socket);
  socket.pause();
  valve.open({});
  expect(socket.isPaused()).toBe(true);
  valve.shut(socket);
  valve.open({});
  expect(valve.isShut).toBe(true);
});
