import type { z } from 'zod';

/** One sentence for each thing that is wrong, beginning with the option's name; `within` is the option that all of it is part of. */
export function toFaults(error: z.ZodError | undefined, within: readonly string[] = []): string[] {
  return (error?.issues ?? []).flatMap((issue) => {
    const name = (path: readonly PropertyKey[]) => [...within, ...path].join('.') || 'options';
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `${name([...issue.path, key])}: is no such option`);
    return [`${name(issue.path)}: ${issue.message}`];
  });
}
