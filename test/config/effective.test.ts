import { expect, test } from 'vitest';
import { effectiveVariables } from '../../src/config/load.ts';

const SECRET = '0123456789abcdef';

test('every variable is told as it counts, defaults included, and nothing of a secret', () => {
  const told = effectiveVariables({
    SLUICE_AUTH_URL: `https://user:${SECRET}@auth.example/hook/${SECRET}?token=${SECRET}`,
    SLUICE_AUTH_SECRET: SECRET,
    SLUICE_HOST_KEYS_SECRET: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:host-keys',
    SLUICE_BACKEND: './backend.js',
    SLUICE_BACKEND_OPTIONS: `{"password":"${SECRET}"}`,
    SLUICE_QUEUE_URL: 'https://sqs.example/123456789012/jobs',
    SLUICE_BUCKET: '',
    AWS_SECRET_ACCESS_KEY: SECRET,
  });
  expect(told).toMatchObject({
    SLUICE_AUTH_URL: 'https://auth.example',
    SLUICE_AUTH_SECRET: '[set]',
    SLUICE_HOST_KEYS_SECRET: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:host-keys',
    SLUICE_BACKEND_OPTIONS: '[set]',
    SLUICE_QUEUE_URL: 'https://sqs.example/123456789012/jobs',
    SLUICE_IDLE_TIMEOUT_SECONDS: 1800,
  });
  expect(JSON.stringify(told)).not.toContain(SECRET);
  expect(told).not.toHaveProperty('SLUICE_BUCKET');
});
