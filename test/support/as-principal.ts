import type { StreamingBackend } from '../../src/contract/backend.ts';
import type { Principal } from '../../src/contract/context.ts';

/** A backend that is asked as somebody else, in these respects. */
export function asPrincipal(backend: StreamingBackend, said: Partial<Principal>): StreamingBackend {
  return new Proxy(backend, {
    get(target, name, receiver) {
      const member = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return ({ principal, ...context }: { principal: Principal }, ...rest: unknown[]) =>
        Reflect.apply(member, target, [{ ...context, principal: { ...principal, ...said } }, ...rest]);
    },
  });
}
