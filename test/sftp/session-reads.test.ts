import { describe, expect, test } from 'vitest';
import { createMemoryBackend } from '../../src/backends/memory/memory.ts';
import { MemoryBudget } from '../../src/buffers/budget.ts';
import type { StreamingBackend } from '../../src/contract/backend.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { type Deferred, deferred, SftpDriver, turn } from '../support/sftp-driver.ts';
import { close, Flag, read } from '../support/sftp-packets.ts';

const KiB = 1024;

/** A session that has read the first 64 KiB of a file of 1 MiB in order, so that 128 KiB are fetched ahead. */
async function reading(hooks: Partial<StreamingBackend> = {}) {
  const budget = new MemoryBudget(8 * KiB * KiB);
  const backend = { ...createMemoryBackend(), ...hooks };
  await backend.writeFile(createTestContext(), '/file', Buffer.alloc(KiB * KiB, 'x'));
  const driver = await SftpDriver.started({ backend, memory: budget });
  const handle = await driver.open('/file', Flag.READ);
  for (const at of [0, 32 * KiB]) await driver.expect('data', (id) => read(id, handle, at, 32 * KiB));
  await turn();
  return { driver, budget, handle };
}

/** The memory backend, whose ranged reads from the second on wait for a gate. */
function withSlowAhead(): { readonly hooks: Partial<StreamingBackend>; readonly gate: Deferred<void> } {
  const gate = deferred();
  let reads = 0;
  const bytes = (length: number) => Buffer.alloc(length, 'x');
  const readFileRange: StreamingBackend['readFileRange'] = async (_context, _path, { length }) => {
    if (reads++ > 0) await gate.promise;
    return bytes(length);
  };
  return { hooks: { readFileRange }, gate };
}

describe('what is held of a file that is read', () => {
  test('is reserved, and every fetch is observed, the one ahead too', async () => {
    const { driver, budget } = await reading();
    expect(budget.usedBytes).toBe((64 + 128) * KiB);
    expect(driver.observed).toEqual(['open /file', 'read /file', 'read /file']);
  });

  test('is given back by CLOSE', async () => {
    const { driver, budget, handle } = await reading();
    expect(await driver.code((id) => close(id, handle))).toBe(0);
    expect(budget.usedBytes).toBe(0);
  });

  test('is given back by the end of the session', async () => {
    const { driver, budget } = await reading();
    await driver.session.end();
    expect(budget.usedBytes).toBe(0);
  });

  test('is given back when its fetch settles, if the session ends during it', async () => {
    const { hooks, gate } = withSlowAhead();
    const { driver, budget } = await reading(hooks);
    await driver.session.end();
    expect(budget.usedBytes).toBe(128 * KiB);
    gate.resolve();
    await turn();
    expect(budget.usedBytes).toBe(0);
    expect(driver.faults).toEqual([]);
  });

  test('is given back when a READ waits for it as the session ends', async () => {
    const { hooks, gate } = withSlowAhead();
    const { driver, budget, handle } = await reading(hooks);
    void driver.send(read(1, handle, 64 * KiB, 32 * KiB));
    await driver.session.end();
    gate.resolve();
    await turn();
    expect(budget.usedBytes).toBe(0);
    expect(driver.faults).toEqual([]);
  });
});

test('pipelined READs whose bytes are there are answered at once, in one turn', async () => {
  const { driver, handle } = await reading();
  driver.replies.length = 0;
  await driver.expect('data', (id) => read(id, handle, 64 * KiB, KiB));
  const offsets = Array.from({ length: 60 }, (_, index) => 65 + index);
  driver.replies.length = 0;
  expect(driver.send(...offsets.map((at) => read(at, handle, at * KiB, KiB)))).toBeUndefined();
  expect(driver.ids).toEqual(offsets);
  expect(driver.replies.every(({ kind }) => kind === 'data')).toBe(true);
});

test('a budget that is used up by others slows reads down and fails none', async () => {
  const { driver, budget, handle } = await reading();
  await driver.code((id) => close(id, handle));
  budget.reserve(budget.limitBytes, new AbortController().signal);
  const waiting = budget.reserve(1, new AbortController().signal);
  const again = await driver.open('/file', Flag.READ);
  for (let at = 0; at < KiB * KiB; at += 128 * KiB) {
    const { bytes } = await driver.expect('data', (id) => read(id, again, at, 128 * KiB));
    expect(bytes.length).toBe(128 * KiB);
  }
  expect(budget.usedBytes).toBe(budget.limitBytes);
  budget.release(budget.limitBytes);
  await waiting;
  budget.release(1);
  await driver.code((id) => close(id, again));
  expect(budget.usedBytes).toBe(0);
});
