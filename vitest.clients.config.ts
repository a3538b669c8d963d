import { defineConfig } from 'vitest/config';

const isUpdate = process.argv.some((argument) => argument === '-u' || argument === '--update');

/** `npm run test:clients`: the clients of docs/clients.md, as the real programs; with `-- --update` it writes the table there. */
export default defineConfig({
  test: {
    include: ['test/matrix/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    env: {
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      SLUICE_TEST_CLIENTS_TABLE: isUpdate ? 'write' : 'check',
    },
    reporters: ['verbose'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
