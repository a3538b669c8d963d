import type { MemoryBudget } from './budget.ts';

/**
 * Windows that are larger than they must be: a quarter of the budget at most, and none while an upload waits. They are charged and
 * not reserved: nobody can ask for them back, and no upload may wait for them.
 */
export function holdWindows(budget: MemoryBudget): (bytes: number) => (() => void) | undefined {
  const most = budget.limitBytes / 4;
  let held = 0;
  return (bytes) => {
    if (budget.waiting > 0 || held + bytes > most) return undefined;
    held += bytes;
    const discharge = budget.charge(bytes);
    return () => {
      held -= bytes;
      discharge();
    };
  };
}
