/**
 * For authors of backends, and of what stands around them: the conformance kit, and faults on demand.
 * @module
 */
export {
  type ConformanceOptions,
  conformanceCases,
  type Deviation,
  type FaultHooks,
  runConformance,
} from './conformance.ts';
export { createTestContext, type TestContextOverrides } from './context.ts';
export type { Fault, FaultAction, FaultRule, FaultyOperation, PlannedCall } from './fault-rule.ts';
export { createFaultPlan, type FaultPlan, type FaultyCall } from './faults.ts';
export {
  type ConformanceCase,
  type ConformanceSubject,
  type GivenSubject,
  OPTIONAL_OPERATIONS,
  type OptionalOperation,
} from './subject.ts';
export { withFaults } from './with-faults.ts';
