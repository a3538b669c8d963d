/** The options of a server cannot be used. `faults` names every one that is wrong and what would be right; none shows a secret. */
export class OptionsError extends TypeError {
  override name = 'OptionsError';
  /** One sentence each, beginning with the option's name. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`the options are wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.faults = faults;
  }
}
