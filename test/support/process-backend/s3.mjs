// A worker thread that serves the S3 backend: `workerData` has the endpoint, the bucket and the prefix.
import { parentPort, workerData } from 'node:worker_threads';
import { createPortChannel, serveBackend } from '../../../dist/backends/process/index.js';
import { createS3Backend } from '../../../dist/backends/s3/backend.js';
import { createS3Client } from '../../../dist/backends/s3/client.js';
import { detectFeatures } from '../../../dist/backends/s3/detect-features.js';
import { ObjectStore } from '../../../dist/backends/s3/store.js';
import { MemoryBudget } from '../../../dist/buffers/budget.js';

const { endpoint, region, credentials, bucket, prefix, budgetBytes } = workerData;
const client = createS3Client({ endpoint, region, credentials });
const store = new ObjectStore(client, bucket, detectFeatures);
const backend = createS3Backend({ storeOf: () => store, prefix, budget: new MemoryBudget(budgetBytes) });
serveBackend(createPortChannel(parentPort), backend, { location: { bucket, prefix } });
