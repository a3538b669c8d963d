import assert from 'node:assert/strict';
import { supportsCallback } from '../../contract/backend.ts';
import { begin } from '../probe.ts';
import {
  type ConformanceCase,
  type ConformanceSubject,
  OPTIONAL_OPERATIONS,
  type OptionalOperation,
} from '../subject.ts';

/** Whether the backend itself, or its uploads, have an optional operation. */
export async function hasOwn(subject: ConformanceSubject, operation: OptionalOperation): Promise<boolean> {
  if (operation !== 'copyChunk') return supportsCallback(subject.own, operation);
  const upload = await begin(subject);
  await upload.abortWrite();
  return upload.copyChunk !== undefined;
}

/** Which of the optional operations the report is about. */
export const ownOperationCases: readonly ConformanceCase[] = OPTIONAL_OPERATIONS.map((operation) => ({
  name: `the backend has ${operation} of its own`,
  needs: operation,
  async run(subject) {
    const has = await hasOwn(subject, operation);
    assert.ok(has, `it has not: say so with \`without: ['${operation}']\``);
  },
}));
