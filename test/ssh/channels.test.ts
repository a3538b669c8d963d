import type ssh2 from 'ssh2';
import { expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { startInProcess } from './in-process.ts';

/** Opens a channel that asks for nothing, as no client does; whether it was given one. */
function openIdle(client: ssh2.Client): Promise<boolean> {
  const { _protocol, _chanMgr } = client as unknown as {
    readonly _protocol: { session(id: number, window: number, packet: number): void };
    readonly _chanMgr: { add(callback: (error: Error | undefined, info: object) => void): number };
  };
  return new Promise((resolve) => {
    const id = _chanMgr.add((error) => resolve(error === undefined || error === null));
    _protocol.session(id, 65_536, 32_768);
  });
}

test('a connection has ten channels at most, whatever they are for', async () => {
  const site = await startInProcess(createMemoryBackend());
  const { client } = await site.connect();
  const opened: boolean[] = [];
  for (let count = 0; count < 12; count++) opened.push(await openIdle(client.ssh));
  expect(opened.filter(Boolean)).toHaveLength(10);
  await site.close();
});

test('a channel that is closed makes room for another', async () => {
  const site = await startInProcess(createMemoryBackend());
  const { client } = await site.connect();
  for (let count = 0; count < 30; count++) {
    const session = await client.open();
    await session.end();
  }
  await site.close();
});
