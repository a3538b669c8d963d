import { matchSubnets } from '../addresses/subnets.ts';
import { type Authenticator, type Gatekeeper, isFurtherProof } from '../contract/auth.ts';
import type { PrincipalLimits } from '../contract/context.ts';
import { limitsField } from './limits-field.ts';

/**
 * Keeps out who comes from an address that is not theirs, or after their time. They have been asked for everything by then, so that the
 * answer takes as long as that to a wrong password, or to a name that nobody has.
 *
 * What a source says of limits is read here, whichever source it is. Rejects with a TypeError when it makes no sense: who has a limit
 * that nobody understands does not come in without one.
 * @param now milliseconds since 1970
 */
export function withLimits(authenticator: Authenticator, now: () => number = Date.now): Gatekeeper {
  function refusalOf({ addresses, expires }: PrincipalLimits, address: string): string | undefined {
    if (expires !== undefined && now() >= Date.parse(expires)) return 'the user has expired';
    if (addresses !== undefined && !matchSubnets(addresses)(address))
      return 'the user may not come from this address';
    return undefined;
  }

  return {
    authenticate: async (credentials, connection, proven) => {
      const answer = await authenticator.authenticate(credentials, connection, proven);
      if (answer?.limits === undefined) return answer;
      const limits = readLimits(answer.limits);
      const refused = refusalOf(limits, connection.clientAddress);
      if (refused !== undefined) return { refused };
      return isFurtherProof(answer) ? answer : { ...answer, limits };
    },
    waivesTouch: (...asked) => authenticator.waivesTouch?.(...asked) ?? false,
  };
}

function readLimits(said: unknown): PrincipalLimits {
  const parsed = limitsField.safeParse(said);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `${['limits', ...path].join('.')} ${message}`,
  );
  throw new TypeError(`the limits of the principal make no sense: ${faults.join('; ')}`);
}
