import type { StreamingBackend, Upload } from '../contract/backend.ts';
import type { Principal } from '../contract/context.ts';
import type { Pace, Paces } from '../contract/pace.ts';
import { DelegatedUpload } from './delegated-upload.ts';

/**
 * Takes the bytes of uploads no faster than they may come: an upload that is ahead has no room until they are due, and so its client
 * waits. Outside of what is measured: it is nobody's fault.
 */
export function withPace(
  backend: StreamingBackend,
  pacesOf: (principal: Principal) => Paces | undefined,
): StreamingBackend {
  return {
    ...backend,
    async beginWrite(context, path, options) {
      const upload = await backend.beginWrite(context, path, options);
      const pace = pacesOf(context.principal)?.uploads;
      return pace === undefined ? upload : new PacedUpload(upload, pace, context.signal);
    },
  };
}

class PacedUpload extends DelegatedUpload {
  readonly #pace: Pace;
  readonly #signal: AbortSignal;

  constructor(upload: Upload, pace: Pace, signal: AbortSignal) {
    super(upload);
    this.#pace = pace;
    this.#signal = signal;
  }

  override writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    const taken = super.writeChunk(offset, bytes);
    const due = this.#pace.take(bytes.length, this.#signal);
    return taken === undefined || due === undefined ? (taken ?? due) : taken.then(() => due);
  }
}
