// The S3 backend as `sluice serve` has it, but in a worker thread or a child process: for SLUICE_BACKEND=worker:... and fork:...
import { isMainThread, parentPort } from 'node:worker_threads';
import { createParentChannel, createPortChannel, serveBackend } from '../../dist/backends/process/index.js';
import { createS3Backend } from '../../dist/backends/s3/backend.js';
import { createS3Client } from '../../dist/backends/s3/client.js';
import { ObjectStore } from '../../dist/backends/s3/store.js';
import { MemoryBudget } from '../../dist/buffers/budget.js';

const { SLUICE_BUCKET: bucket, AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: region } = process.env;
const store = new ObjectStore(createS3Client({ endpoint, region }), bucket);
const budget = new MemoryBudget(256 * 1024 * 1024);
const channel = isMainThread ? createParentChannel(process) : createPortChannel(parentPort);
serveBackend(channel, createS3Backend({ storeOf: () => store, prefix: '', budget }), {
  location: { bucket, prefix: '' },
});
