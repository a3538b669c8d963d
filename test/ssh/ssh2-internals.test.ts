import { once } from 'node:events';
import { connect } from 'node:net';
import ssh2, { type Connection } from 'ssh2';
import { expect, test } from 'vitest';
import { ALGORITHMS, toSsh2Algorithms } from '../../src/ssh/algorithms.ts';
import { generateHostKeyText } from '../../src/ssh/host-keys.ts';
import { protocolOf } from '../../src/ssh/ssh2-internals.ts';

/** A connection as `connection` has it: the client has said which software it is, and nothing else. */
async function accepted(): Promise<{ readonly client: Connection; readonly close: () => void }> {
  const server = new ssh2.Server({
    hostKeys: [generateHostKeyText()],
    algorithms: toSsh2Algorithms(ALGORITHMS.modern),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  socket.write('SSH-2.0-test\r\n');
  const [client] = (await once(server, 'connection')) as [Connection];
  client.on('error', () => undefined);
  const close = () => {
    socket.destroy();
    server.close();
  };
  return { client, close };
}

/** Where this fails after an update of ssh2, src/ssh/ssh2-internals.ts and what uses it must be read beside the new ssh2. */
test('ssh2 is inside as this code takes it to be', async () => {
  const { client, close } = await accepted();
  const protocol = protocolOf(client);
  const { kex, serverHostKey, cs, sc } = protocol._offer.lists;
  const { cipher, mac, compress, lang } = cs;
  for (const list of [kex, serverHostKey, cipher, mac, compress, lang, sc.cipher, sc.mac]) {
    expect(list.array).toBeInstanceOf(Array);
  }
  expect(kex.array).toContain('kex-strict-s-v00@openssh.com');
  expect(protocol._offer.constructor).toHaveLength(1);
  expect(protocol._onPayload).toBeTypeOf('function');
  expect(protocol._decipher._onPayload).toBeTypeOf('function');
  expect(protocol._decipher._packet).toBeNull();
  expect(protocol._cipher.allocPacket).toHaveLength(1);
  expect(protocol._cipher.encrypt).toHaveLength(1);
  expect(protocol._handlers.CHANNEL_DATA).toHaveLength(3);
  expect(protocol.channelWindowAdjust).toHaveLength(2);
  expect(protocol._kex).toBeUndefined();
  close();
});
