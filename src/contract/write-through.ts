import type { StreamingBackend } from './backend.ts';
import type { RequestContext } from './context.ts';
import type { FileAttributes, StoredFile } from './types.ts';

/** `writeFile` of a backend that has uploads: at once or not at all, because they are. */
export async function writeThrough(
  { beginWrite }: Pick<StreamingBackend, 'beginWrite'>,
  context: RequestContext,
  path: string,
  bytes: Uint8Array,
  attributes: FileAttributes = {},
): Promise<StoredFile> {
  const options = { create: true, exclusive: false, truncate: true, append: false, attributes };
  const upload = await beginWrite(context, path, options);
  try {
    await upload.writeChunk(0, bytes);
  } catch (error) {
    await upload.abortWrite();
    throw error;
  }
  return await upload.finishWrite();
}
