import type { Access } from './strict-s3/access.ts';

/** As much of a policy as is known here; what is not known is a fault of the policy. */
export interface Policy {
  readonly statements: readonly Statement[];
}

interface Statement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** By condition key, what it may be like. */
  readonly like: ReadonlyMap<string, readonly string[]>;
}

type Json = Readonly<Record<string, unknown>>;

/** @throws Error naming what is not known. */
export function parsePolicy(text: string): Policy {
  const { Version, Statement: list, ...rest } = JSON.parse(text) as Json;
  if (Version !== '2012-10-17') throw new Error(`the version ${String(Version)}`);
  assertNone(rest);
  return { statements: (list as Json[]).map(toStatement) };
}

/** Whether some statement allows it: there are none here that deny. */
export function allows({ statements }: Policy, { action, resource, conditions }: Access): boolean {
  return statements.some(
    ({ actions, resources, like }) =>
      actions.some((pattern) => isLike(action, pattern)) &&
      resources.some((pattern) => isLike(resource, pattern)) &&
      [...like].every(([name, patterns]) => {
        const value = conditions[name];
        return value !== undefined && patterns.some((pattern) => isLike(value, pattern));
      }),
  );
}

function toStatement({ Effect, Action, Resource, Condition = {}, ...rest }: Json): Statement {
  assertNone(rest);
  if (Effect !== 'Allow') throw new Error(`the effect ${String(Effect)}`);
  const { StringLike = {}, ...others } = Condition as Json;
  assertNone(others);
  const like = new Map(Object.entries(StringLike as Json).map(([name, values]) => [name, texts(values)]));
  return { actions: texts(Action), resources: texts(Resource), like };
}

const texts = (value: unknown) => (Array.isArray(value) ? (value as string[]) : [value as string]);

function assertNone(rest: Json): void {
  const [name] = Object.keys(rest);
  if (name !== undefined) throw new Error(`${name}, which is not known here`);
}

/** `*` and `?` stand for others, `${*}`, `${?}` and `${$}` for themselves. */
function isLike(text: string, pattern: string): boolean {
  const source = pattern.replace(/\$\{([*?$])\}|[*?]|[\\^$.|+()[\]{}]/g, (found, literal?: string) => {
    if (literal !== undefined) return `\\${literal}`;
    if (found === '*') return '[^]*';
    return found === '?' ? '[^]' : `\\${found}`;
  });
  return new RegExp(`^${source}$`, 'u').test(text);
}
