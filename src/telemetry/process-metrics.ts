import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Metrics } from './meter.ts';

/** How finely the delay of the event loop is measured, in milliseconds. */
const RESOLUTION_MS = 20;

/**
 * What the process itself says: event loop, CPU, memory (OpenTelemetry's conventions for processes and Node.js). Call the
 * returned function at the end.
 */
export function observeProcess(metrics: Metrics): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  // Both percentiles of one collection are of the same stretch of time; it ends with the second.
  const seconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
  metrics.observe('nodejs.eventloop.delay.p50', () => seconds(delay.percentile(50)));
  metrics.observe('nodejs.eventloop.delay.p99', () => {
    const p99 = seconds(delay.percentile(99));
    delay.reset();
    return p99;
  });
  let before = performance.eventLoopUtilization();
  metrics.observe('nodejs.eventloop.utilization', () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  });
  metrics.observe('process.cpu.time', () => {
    const { user, system } = process.cpuUsage();
    return [
      [user / 1e6, { 'cpu.mode': 'user' }],
      [system / 1e6, { 'cpu.mode': 'system' }],
    ];
  });
  metrics.observe('process.memory.usage', () => process.memoryUsage.rss());
  return () => void delay.disable();
}
