import { type Authenticator, isFurtherProof } from '../contract/auth.ts';
import { checkPrincipal } from './principal-fields.ts';

/**
 * An authenticator of somebody else's. What it answers with and is no principal is its fault, found here rather than
 * at the first file: a TypeError, which begins with the `name` of who is at fault.
 */
export function withCheckedAnswers(authenticator: Authenticator, name: string): Authenticator {
  return {
    authenticate: async (...asked) => {
      const answer = await authenticator.authenticate(...asked);
      if (answer === undefined || isFurtherProof(answer)) return answer;
      try {
        return checkPrincipal(answer);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        throw new TypeError(`${name}: must answer with { username, session } or undefined; ${error.message}`);
      }
    },
    waivesTouch: (...asked) => authenticator.waivesTouch?.(...asked) ?? false,
  };
}
