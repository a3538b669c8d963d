import { expect } from 'vitest';
import { LAST } from '../facts/multipart.ts';
import { outcome, type Wire } from '../wire.ts';
import type { FactDeviation } from './profile.ts';

/** From "CopyObject with If-None-Match: * creates, but never replaces". */
export const COPIES_REPLACE: FactDeviation<Wire> = {
  reason: 'CopyObject ignores conditions on its destination',
  actual: async (wire) => {
    await wire.put('source', 'source');
    await wire.put('taken', 'replaced');
    expect(await outcome(wire.copy('source', 'taken', { IfNoneMatch: '*' }))).toBe('accepted');
    expect(await wire.text('taken')).toBe('source');
  },
};

/** From "a completion whose size of the whole is wrong is refused, and nothing appears". */
export const ANY_SIZE_COMPLETES: FactDeviation<Wire> = {
  reason: 'it ignores the size that a completion claims',
  actual: async (wire) => {
    const upload = await wire.create('object');
    const parts = [await upload.part(1, LAST)];
    expect(await outcome(upload.complete(parts, { MpuObjectSize: LAST.length + 1 }))).toBe('accepted');
    expect((await wire.get('object')).equals(LAST)).toBe(true);
  },
};
