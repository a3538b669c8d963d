import { GetQueueAttributesCommand, type SQSClient, SQSServiceException } from '@aws-sdk/client-sqs';
import type { ProbeResult } from '../contract/probe.ts';

/** Whether the queue is there. Sending needs less permission than asking, so a refusal to tell is no fault. */
export async function probeQueue(
  client: SQSClient,
  queueUrl: string,
  variable: string,
): Promise<ProbeResult> {
  try {
    await client.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }));
    return { state: 'ok' };
  } catch (error) {
    return toProbeResult(error, queueUrl, variable);
  }
}

function toProbeResult(error: unknown, queueUrl: string, variable: string): ProbeResult {
  const name = error instanceof Error ? error.name : '';
  const message = error instanceof Error ? error.message || name : String(error);
  if (/QueueDoesNotExist|NonExistentQueue/.test(name)) {
    return { state: 'wrong', message: `the queue ${queueUrl} does not exist (${variable})` };
  }
  if (error instanceof SQSServiceException && error.$metadata.httpStatusCode === 403) {
    return {
      state: 'unchecked',
      message: `not allowed to look at the queue (sqs:GetQueueAttributes): ${name}`,
    };
  }
  if (/credential|region is missing/i.test(message)) {
    return { state: 'wrong', message: `the AWS SDK is not configured: ${message}` };
  }
  return { state: 'unreachable', message: `the queue ${queueUrl} cannot be reached: ${message}` };
}
