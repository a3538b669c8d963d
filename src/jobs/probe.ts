import { GetQueueAttributesCommand, type SQSClient, SQSServiceException } from '@aws-sdk/client-sqs';
import type { ProbeResult } from '../contract/probe.ts';

/** For an answer, all attempts together, in milliseconds. */
const PATIENCE_MS = 5_000;

/** Whether the queue is there. Sending needs less permission than asking, so a refusal to tell is no fault. */
export async function probeQueue(
  client: SQSClient,
  queueUrl: string,
  variable: string,
): Promise<ProbeResult> {
  try {
    const request = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] });
    await client.send(request, { abortSignal: AbortSignal.timeout(PATIENCE_MS) });
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
