/** Between two announcements, in milliseconds: a reader has to be able to finish a sentence. */
const PAUSE_MS = 5000;

/** Speaks to those who do not see the page: of what goes wrong alone, and never of numbers that change. */
export class Announcer {
  readonly #region: HTMLElement;
  readonly #failed: string[] = [];
  #timer: number | undefined;
  #quietUntil = 0;

  constructor(region: HTMLElement) {
    this.#region = region;
  }

  say(sentence: string): void {
    this.#region.textContent = sentence;
    this.#quietUntil = Date.now() + PAUSE_MS;
  }

  uploadFailed(path: string): void {
    this.#failed.push(path);
    this.#timer ??= setTimeout(() => this.#sayFailed(), Math.max(0, this.#quietUntil - Date.now()));
  }

  #sayFailed(): void {
    const failed = this.#failed.splice(0);
    this.#timer = undefined;
    this.say(failed.length === 1 ? `Upload failed: ${failed[0]}` : `${failed.length} uploads failed`);
  }
}
