import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AgentRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly contentType: string | undefined;
  readonly body: unknown;
}

/** How the agent answers a request, its body at hand. */
export type Answer = (request: AgentRequest, response: ServerResponse) => void;

/** The endpoint of the ECS container agent, over HTTP, as a container has it in `ECS_AGENT_URI`. */
export interface EcsAgent {
  readonly uri: string;
  readonly requests: readonly AgentRequest[];
  answer: Answer;
  /** Resolves when there have been so many requests. */
  asked(count: number): Promise<void>;
  close(): Promise<void>;
}

const TASK = 'arn:aws:ecs:eu-central-1:123456789012:task/sluice/0123456789abcdef';

/** The task is in the state that was asked for. */
export const protects: Answer = ({ body }, response) => {
  const { ProtectionEnabled, ExpiresInMinutes } = body as Record<string, unknown>;
  const expiry = ExpiresInMinutes === undefined ? {} : { ExpirationDate: '2026-11-21T10:25:00Z' };
  response.end(JSON.stringify({ protection: { TaskArn: TASK, ProtectionEnabled, ...expiry } }));
};

export async function startEcsAgent(): Promise<EcsAgent> {
  const requests: AgentRequest[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (incoming, response) => {
    const request = await receive(incoming);
    requests.push(request);
    agent.answer(request, response);
    for (const check of [...waiting]) check();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent: EcsAgent = {
    uri: `http://127.0.0.1:${port}/api/0123456789abcdef`,
    requests,
    answer: protects,
    asked: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (requests.length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return agent;
}

async function receive(incoming: IncomingMessage): Promise<AgentRequest> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  const { method, url: path, headers } = incoming;
  return { method, path, contentType: headers['content-type'], body: JSON.parse(text) };
}
