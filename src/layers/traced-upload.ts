import { type Context, type Span, trace } from '@opentelemetry/api';
import type { Upload } from '../contract/backend.ts';
import type { FileAttributes, StoredFile } from '../contract/types.ts';
import type { ContextScope } from '../telemetry/context-scope.ts';
import { Attribute } from '../telemetry/instruments.ts';
import { failSpan } from '../telemetry/spans.ts';
import type { BackendOperations } from './backend-operations.ts';

export type ChunkSpans = 'part' | 'each';

export interface TracedUploadOptions {
  readonly operations: BackendOperations;
  readonly chunkSpans: ChunkSpans;
  readonly path: string;
  /** Of the span of the whole upload. */
  readonly within: Context;
  /** What the backend runs its calls in: it goes from one operation to the next. */
  readonly scope: ContextScope;
}

/** The writes of one part, which share a span. */
interface WriteGroup {
  readonly unit: number;
  readonly span: Span;
  readonly within: Context;
  readonly firstOffset: number;
  lastOffset: number;
  bytes: number;
  count: number;
}

/** Where a backend has no parts, writes are grouped by this many bytes. */
const GROUP_BYTES = 8 * 1024 * 1024;

/** An upload with a span for each of its operations, below that of the upload itself. */
export class TracedUpload implements Upload {
  readonly #upload: Upload;
  readonly #options: TracedUploadOptions;
  readonly copyChunk?: NonNullable<Upload['copyChunk']>;
  #group: WriteGroup | undefined;

  constructor(upload: Upload, options: TracedUploadOptions) {
    this.#upload = upload;
    this.#options = options;
    const copy = upload.copyChunk?.bind(upload);
    if (copy === undefined) return;
    this.copyChunk = (path, range, to) => this.#traced('copy_chunk', () => copy(path, range, to));
  }

  get size(): number {
    return this.#upload.size;
  }

  get takesAtOnce(): boolean {
    return this.#upload.takesAtOnce === true;
  }

  writeChunk(offset: number, bytes: Uint8Array): Promise<void> | void {
    const group = this.#groupFor(offset);
    this.#options.scope.current = group.within;
    group.bytes += bytes.length;
    group.count += 1;
    group.lastOffset = Math.max(group.lastOffset, offset + bytes.length - 1);
    try {
      const wait = this.#upload.writeChunk(offset, bytes);
      if (wait === undefined) return this.#afterWrite();
      return wait.then(
        () => this.#afterWrite(),
        (error) => this.#failWrite(group, error),
      );
    } catch (error) {
      this.#failWrite(group, error);
    }
  }

  setSize(size: number): Promise<void> {
    return this.#traced('set_size', () => this.#upload.setSize(size));
  }

  readChunk(offset: number, length: number): Promise<Uint8Array> {
    return this.#traced('read_chunk', () => this.#upload.readChunk(offset, length));
  }

  setAttributes(attributes: FileAttributes): void {
    this.#upload.setAttributes(attributes);
  }

  sync(): Promise<void> {
    return this.#traced('sync', () => this.#upload.sync());
  }

  finishWrite(): Promise<StoredFile> {
    return this.#traced('finish_write', () => this.#upload.finishWrite());
  }

  abortWrite(): Promise<void> {
    return this.#traced('abort_write', () => this.#upload.abortWrite());
  }

  #traced<T>(operation: string, run: () => Promise<T>): Promise<T> {
    this.#endGroup();
    const { operations, within, path, scope } = this.#options;
    return operations.run(operation, { [Attribute.PATH]: path }, within, (operating) => {
      scope.current = operating;
      return run();
    });
  }

  #groupFor(offset: number): WriteGroup {
    const unit = this.#upload.unitAt?.(offset) ?? Math.floor(offset / GROUP_BYTES);
    if (this.#group?.unit === unit) return this.#group;
    this.#endGroup();
    const { operations, path, within: upload } = this.#options;
    const span = operations.start('write_chunk', { [Attribute.PATH]: path }, upload);
    const within = trace.setSpan(upload, span);
    this.#group = { unit, span, within, firstOffset: offset, lastOffset: offset, bytes: 0, count: 0 };
    return this.#group;
  }

  #afterWrite(): void {
    if (this.#options.chunkSpans === 'each') this.#endGroup();
  }

  #endGroup(): void {
    const group = this.#group;
    if (group === undefined) return;
    this.#group = undefined;
    describeWrites(group);
    group.span.setAttribute(Attribute.RESULT, 'ok');
    group.span.end();
  }

  #failWrite(group: WriteGroup, error: unknown): never {
    if (this.#group === group) this.#group = undefined;
    describeWrites(group);
    failSpan(group.span, error);
    group.span.end();
    throw error;
  }
}

function describeWrites({ span, bytes, count, firstOffset, lastOffset }: WriteGroup): void {
  span.setAttributes({
    [Attribute.BYTES]: bytes,
    [Attribute.WRITE_COUNT]: count,
    [Attribute.FIRST_OFFSET]: firstOffset,
    [Attribute.LAST_OFFSET]: lastOffset,
  });
}
