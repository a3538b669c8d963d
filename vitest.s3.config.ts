import { defineConfig } from 'vitest/config';

/** `npm run test:s3`: the suite of test/s3 against the endpoint that AWS_ENDPOINT_URL_S3 names. */
export default defineConfig({
  test: {
    include: ['test/s3/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    reporters: ['verbose'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
