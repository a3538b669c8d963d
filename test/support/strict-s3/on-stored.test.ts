import { CopyObjectCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startStrictS3 } from './server.ts';

test('every object is told of as it comes to exist, also one that is replaced or a copy', async () => {
  const told: string[] = [];
  const s3 = await startStrictS3({
    buckets: ['bucket'],
    onStored: (bucket, { key, body }) => told.push(`${bucket}/${key}: ${body}`),
  });
  const client = new S3Client(s3.clientConfig);
  const Bucket = 'bucket';
  s3.seed(Bucket, 'seeded', 'zero');
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'one' }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'two' }));
  await expect(
    client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'refused', IfNoneMatch: '*' })),
  ).rejects.toThrow();
  await client.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: 'bucket/a' }));
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'b' }));
  expect(told).toEqual(['bucket/seeded: zero', 'bucket/a: one', 'bucket/a: two', 'bucket/b: two']);
  client.destroy();
  await s3.close();
});
