/** How fast somebody may move bytes of files. */
export interface Pace {
  /**
   * Accounts for bytes. A promise when they are too early: it resolves when they are due, or as soon as `signal` is aborted. Never
   * rejects.
   */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined;
}

/** That of each direction. */
export interface Paces {
  readonly uploads: Pace;
  readonly downloads: Pace;
}
