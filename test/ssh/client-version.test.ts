import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { deferred } from '../support/sftp-driver.ts';
import { startInProcess } from './in-process.ts';

test('of what a client calls its software no more is noted than a client may send', async () => {
  const noted = deferred<string>();
  const site = await startInProcess(createMemoryBackend(), {
    observeLogin: () => ({
      fields: {},
      identified: ({ clientVersion }) => noted.resolve(clientVersion),
      negotiated: () => undefined,
      attempted: () => () => undefined,
      ended: () => undefined,
    }),
  });
  const socket = connect(site.port, '127.0.0.1');
  socket.write(`SSH-2.0-${'x'.repeat(8000)}\r\n`);
  expect(await noted.promise).toBe('x'.repeat(255));
  socket.destroy();
  await site.close();
});
