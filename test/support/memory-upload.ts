import { createFileImage, createImageUpload } from '../../src/buffers/file-image.ts';
import type { Upload } from '../../src/contract/backend.ts';

/** An upload of at most 1 MiB that no backend has begun: what it stores goes nowhere. */
export function createMemoryUpload(): Upload {
  return createImageUpload({
    path: '/u',
    image: createFileImage({ maxBytes: 1024 * 1024 }),
    append: false,
    store: ({ length: size }) => ({ size }),
  });
}
