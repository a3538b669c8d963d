import { afterAll, beforeAll, describe } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { createWorkspace, type Workspace } from '../support/workspace.ts';
import { bindFacts, checkDeviations } from './fact.ts';
import { transferFacts } from './facts/transfers.ts';
import { profileUnderTest } from './profiles/index.ts';
import { openStoreUnderTest, type StoreUnderTest } from './store-under-test.ts';
import { Transfer } from './transfer.ts';
import { Wire } from './wire.ts';

checkDeviations(
  'transfers',
  transferFacts.map(({ name }) => name),
);

let store: StoreUnderTest;
let workspace: Workspace;
let service: Service;

beforeAll(async () => {
  store = await openStoreUnderTest();
  workspace = await createWorkspace();
  await new Wire(store, store.prefix).put('secret', 'of another tenant');
  service = await startService({
    ...store.env,
    SLUICE_HOST: '127.0.0.1',
    SLUICE_PORT: '0',
    SLUICE_HEALTH_PORT: '0',
    SLUICE_HOST_KEYS_DIR: workspace.hostKeysDir,
    SLUICE_USERS_FILE: workspace.usersFile,
    SLUICE_PREFIX: `${store.prefix}acme/`,
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'none',
  });
});
afterAll(async () => {
  await service?.stop();
  await workspace?.remove();
  await store?.close();
});

describe('OpenSSH sftp through Sluice to S3', () => {
  bindFacts(transferFacts, profileUnderTest().transfers ?? {}, () => {
    return new Transfer(new Wire(store, `${store.prefix}acme/`), service, workspace);
  });
});
