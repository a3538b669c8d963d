import { expect } from 'vitest';
import type { Fact } from '../fact.ts';
import { outcome, type Wire } from '../wire.ts';

export const conditionFacts: readonly Fact<Wire>[] = [
  {
    name: 'PutObject with If-None-Match: * creates, but never replaces',
    run: async (wire) => {
      expect(await outcome(wire.put('name', 'first', { IfNoneMatch: '*' }))).toBe('accepted');
      const second = wire.put('name', 'second', { IfNoneMatch: '*' });
      expect(await outcome(second)).toBe('412 PreconditionFailed');
      expect(await wire.text('name')).toBe('first');
    },
  },
  {
    name: 'of ten PutObjects at once with If-None-Match: * exactly one is taken',
    run: async (wire) => {
      const bodies = Array.from({ length: 10 }, (_, index) => `body ${index}`);
      const outcomes = await Promise.all(
        bodies.map((body) => outcome(wire.put('name', body, { IfNoneMatch: '*' }))),
      );
      const taken = bodies.filter((_, index) => outcomes[index] === 'accepted');
      expect(taken).toHaveLength(1);
      expect(await wire.text('name')).toBe(taken[0]);
    },
  },
  {
    name: 'PutObject with If-Match replaces only the object that it names',
    run: async (wire) => {
      const { ETag } = await wire.put('name', 'first');
      expect(await outcome(wire.put('name', 'second', { IfMatch: ETag }))).toBe('accepted');
      expect(await outcome(wire.put('name', 'third', { IfMatch: ETag }))).toBe('412 PreconditionFailed');
      expect(await wire.text('name')).toBe('second');
    },
  },
  {
    name: 'PutObject with If-Match of an object that is gone is 404',
    run: async (wire) => {
      const { ETag } = await wire.put('name', 'first');
      await wire.delete('name');
      expect(await outcome(wire.put('name', 'second', { IfMatch: ETag }))).toBe('404 NoSuchKey');
      expect(await wire.names()).toEqual([]);
    },
  },
  {
    name: 'a completion with If-None-Match: * refuses an object that came in between, and the upload stays open',
    run: async (wire) => {
      const upload = await wire.create('name');
      const part = await upload.part(1, Buffer.from('ours'));
      await wire.put('name', 'came in between');
      const refused = upload.complete([part], { IfNoneMatch: '*' });
      expect(await outcome(refused)).toBe('412 PreconditionFailed');
      expect(await wire.text('name')).toBe('came in between');
      await wire.delete('name');
      expect(await outcome(upload.complete([part], { IfNoneMatch: '*' }))).toBe('accepted');
      expect(await wire.text('name')).toBe('ours');
    },
  },
  {
    name: 'a completion with If-Match replaces only the object that it names',
    run: async (wire) => {
      const { ETag } = await wire.put('name', 'first');
      const upload = await wire.create('name');
      const part = await upload.part(1, Buffer.from('ours'));
      const stale = upload.complete([part], { IfMatch: '"0123456789abcdef0123456789abcdef"' });
      expect(await outcome(stale)).toBe('412 PreconditionFailed');
      expect(await wire.text('name')).toBe('first');
      expect(await outcome(upload.complete([part], { IfMatch: ETag }))).toBe('accepted');
      expect(await wire.text('name')).toBe('ours');
    },
  },
  {
    name: 'GET with If-Match reads only the object that it names',
    run: async (wire) => {
      const { ETag } = await wire.put('name', 'first');
      expect(await wire.text('name', { IfMatch: ETag, Range: 'bytes=0-1' })).toBe('fi');
      await wire.put('name', 'second');
      const stale = wire.get('name', { IfMatch: ETag, Range: 'bytes=0-1' });
      expect(await outcome(stale)).toBe('412 PreconditionFailed');
    },
  },
  {
    name: 'CopyObject copies only the source that its condition names',
    run: async (wire) => {
      const { ETag } = await wire.put('source', 'first');
      expect(await outcome(wire.copy('source', 'copy', { CopySourceIfMatch: ETag }))).toBe('accepted');
      await wire.put('source', 'second');
      const stale = wire.copy('source', 'copy', { CopySourceIfMatch: ETag });
      expect(await outcome(stale)).toBe('412 PreconditionFailed');
      expect(await wire.text('copy')).toBe('first');
    },
  },
  {
    name: 'CopyObject with If-None-Match: * creates, but never replaces',
    run: async (wire) => {
      await wire.put('source', 'source');
      expect(await outcome(wire.copy('source', 'copy', { IfNoneMatch: '*' }))).toBe('accepted');
      await wire.put('taken', 'kept');
      const refused = wire.copy('source', 'taken', { IfNoneMatch: '*' });
      expect(await outcome(refused)).toBe('412 PreconditionFailed');
      expect(await wire.text('taken')).toBe('kept');
    },
  },
];
