import type { LiveUpload } from '../contract/activity.ts';

/** An upload in progress, as it says when it is asked. */
export interface Watched {
  /** Of bytes received, those written twice counted twice. */
  readonly receivedBytes: number;
  describe(): LiveUpload;
}

/** The uploads in progress. Nothing is computed until somebody asks. */
export class LiveUploads {
  readonly #uploads = new Set<Watched>();
  #receivedBefore = 0;

  get count(): number {
    return this.#uploads.size;
  }

  /** By all uploads since the start, in bytes. */
  get receivedBytes(): number {
    let received = this.#receivedBefore;
    for (const upload of this.#uploads) received += upload.receivedBytes;
    return received;
  }

  add(upload: Watched): void {
    this.#uploads.add(upload);
  }

  remove(upload: Watched): void {
    if (this.#uploads.delete(upload)) this.#receivedBefore += upload.receivedBytes;
  }

  /** The oldest first. */
  list(): LiveUpload[] {
    return Array.from(this.#uploads, (upload) => upload.describe());
  }
}
