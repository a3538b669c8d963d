import { parseUsersDocument, type User, UsersDocumentError } from './users-document.ts';

/** Where the users document stands. */
export interface UsersSource {
  /** How long it may take, in milliseconds, until a change is noticed. */
  readonly rereadMs: number;
  /** The users as they stand there now; rejects with a UsersSourceError. */
  load(): Promise<readonly User[]>;
}

/** The users cannot be had; each of `faults` names the variable, and none shows a value of the document. */
export class UsersSourceError extends Error {
  override name = 'UsersSourceError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

export interface UsersSourceOptions {
  /** The variable that says where the document is. */
  readonly variable: string;
  readonly rereadMs: number;
  /** The document as it is now; rejects with an error whose message names the variable. */
  readonly read: () => Promise<string>;
}

export function createUsersSource({ variable, rereadMs, read }: UsersSourceOptions): UsersSource {
  return {
    rereadMs,
    load: async () => {
      const text = await read().catch((error: Error) => {
        throw new UsersSourceError([error.message]);
      });
      try {
        return parseUsersDocument(text);
      } catch (error) {
        if (!(error instanceof UsersDocumentError)) throw error;
        throw new UsersSourceError(error.faults.map((fault) => `the users document (${variable}): ${fault}`));
      }
    },
  };
}
