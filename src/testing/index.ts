/**
 * What tests of a backend need: the conformance kit, which holds it to every promise of the contract.
 * @module
 */
export {
  type ConformanceOptions,
  conformanceCases,
  type Deviation,
  runConformance,
} from './conformance.ts';
export { createTestContext, type TestContextOverrides } from './context.ts';
export type { ConformanceCase, ConformanceSubject } from './subject.ts';
