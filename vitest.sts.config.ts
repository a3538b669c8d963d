import { defineConfig } from 'vitest/config';

/** `npm run test:sts`: the suite of test/sts against the endpoints that AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL_STS name. */
export default defineConfig({
  test: {
    include: ['test/sts/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    reporters: ['verbose'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
