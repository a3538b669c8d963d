import { afterAll, beforeAll } from 'vitest';
import { createTestContext } from '../../../src/testing/index.ts';
import { bindConformance } from '../../conformance/bind.ts';
import { deviations } from '../../s3/deviations.ts';
import {
  type Cloud,
  type OpenedBackend,
  openTenantBackend,
  startCloud,
} from '../../support/tenant-backend.ts';

let cloud: Cloud;
let opened: OpenedBackend;
let tenants = 0;

beforeAll(async () => {
  cloud = await startCloud();
  opened = await openTenantBackend(cloud);
});
afterAll(async () => {
  await opened?.close();
  await cloud?.close();
});

/** Whatever the kit does must be within what a session policy allows, or S3 refuses it. */
bindConformance('the S3 backend with a role for each principal', {
  createSubject: () => {
    tenants += 1;
    const principal = { username: `user-${tenants}`, session: { prefix: `tenants/${tenants}/` } };
    return { backend: opened.backend, context: createTestContext({ principal }) };
  },
  deviations,
});
