import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'infra-tests/**/*.test.ts'],
    // They need a browser (vitest.browser.config.ts) and many clients (vitest.clients.config.ts).
    exclude: [...configDefaults.exclude, 'test/browser/**', 'test/matrix/**'],
    globalSetup: ['test/support/build.ts'],
    env: {
      // The SDK's notice about coming Node versions says nothing about these tests.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      // Here the suite of test/s3 runs against our strict server, whatever the environment names (vitest.s3.config.ts).
      AWS_ENDPOINT_URL_S3: '',
      SLUICE_TEST_S3_PROFILE: '',
      SLUICE_TEST_BUCKET: '',
      // And that of test/sts (vitest.sts.config.ts).
      AWS_ENDPOINT_URL_STS: '',
    },
    // By default one processor is left out; on two that is half of them, and these tests wait more than they compute.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
