/**
 * Memory in MiB that Fargate has for so much CPU, in 1,024ths of a vCPU
 * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html).
 */
const MEMORY_FOR_CPU: ReadonlyMap<number, readonly number[]> = new Map([
  [256, [512, 1024, 2048]],
  [512, steps(1024, 4096, 1024)],
  [1024, steps(2048, 8192, 1024)],
  [2048, steps(4096, 16_384, 1024)],
  [4096, steps(8192, 30_720, 1024)],
  [8192, steps(16_384, 61_440, 4096)],
  [16_384, steps(32_768, 122_880, 8192)],
]);

/** A fault for a task that Fargate has no place for: CloudFormation would find it out when half of the stack is made. */
export function sizeFaults(cpu: number, memoryMiB: number): string[] {
  const sizes = MEMORY_FOR_CPU.get(cpu);
  if (sizes === undefined) {
    return [`cpu must be one of ${[...MEMORY_FOR_CPU.keys()].join(', ')}, not ${cpu}`];
  }
  if (sizes.includes(memoryMiB)) return [];
  return [`memoryMiB must be one of ${sizes.join(', ')} with cpu ${cpu}, not ${memoryMiB}`];
}

function steps(from: number, to: number, step: number): number[] {
  return Array.from({ length: (to - from) / step + 1 }, (_, index) => from + index * step);
}
