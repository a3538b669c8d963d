import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createProcessBackend } from '../../src/backends/process/index.ts';
import { withBuffering } from '../../src/layers/with-buffering.ts';
import { createTestContext } from '../../src/testing/index.ts';
import { Running } from '../support/processes.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/process-backend', import.meta.url));

test('the example of a process backend keeps what is uploaded to it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  const socket = join(folder, 'shelf.sock');
  const shelf = new Running(process.execPath, ['--import', 'tsx', 'src/main.ts', socket], { cwd: EXAMPLE });
  try {
    await shelf.line((line) => line === `serving on ${socket}`);
    const remote = await createProcessBackend({ socket });
    const backend = withBuffering(remote, { maxFileBytes: 2 ** 20 });
    const context = createTestContext();
    const options = { create: true, exclusive: false, truncate: true, append: false };
    const upload = await backend.beginWrite(context, '/report', options);
    await upload.writeChunk(0, Buffer.from('content'));
    expect(await upload.finishWrite()).toEqual({ size: 7 });
    await backend.rename(context, '/report', '/kept');
    expect(
      Buffer.from(await backend.readFileRange(context, '/kept', { offset: 3, length: 10 })).toString(),
    ).toBe('tent');
    await expect(backend.fileInfo(context, '/report')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(backend.makeDir(context, '/folder')).rejects.toMatchObject({ code: 'EROFS' });
    await remote.close();
  } finally {
    shelf.kill('SIGTERM');
    await shelf.exited;
    await rm(folder, { recursive: true });
  }
});
