import { createServer, request as openRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';

/** What an AssumeRole asked for, and what it was answered with. */
export interface RecordedSession {
  /** RoleSessionName. */
  readonly name: string;
  readonly policy: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
}

export interface SessionRecorder {
  readonly endpoint: string;
  /** In order; refusals are none. */
  readonly sessions: readonly RecordedSession[];
  close(): Promise<void>;
}

/** Stands before an STS and keeps the credentials that it gives. Host is passed on as it came, so signatures hold. */
export async function startSessionRecorder(stsEndpoint: string): Promise<SessionRecorder> {
  const target = new URL(stsEndpoint);
  const sessions: RecordedSession[] = [];
  const server = createServer(async (incoming, response) => {
    const question = await buffer(incoming);
    const forwarded = openRequest(
      { host: target.hostname, port: target.port, path: incoming.url, method: incoming.method },
      async (answer) => {
        const xml = await text(answer);
        const session = toSession(new URLSearchParams(question.toString()), xml);
        if (session !== undefined) sessions.push(session);
        response.writeHead(answer.statusCode ?? 502, { 'content-type': 'text/xml' }).end(xml);
      },
    );
    forwarded.on('error', () => incoming.socket.destroy());
    for (const [name, value = ''] of Object.entries(incoming.headers)) forwarded.setHeader(name, value);
    forwarded.end(question);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function toSession(question: URLSearchParams, xml: string): RecordedSession | undefined {
  const told = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1];
  const [accessKeyId, secretAccessKey, sessionToken] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map(
    told,
  );
  if (!accessKeyId || !secretAccessKey || !sessionToken) return undefined;
  return {
    name: question.get('RoleSessionName') ?? '',
    policy: question.get('Policy') ?? '',
    credentials: { accessKeyId, secretAccessKey, sessionToken },
  };
}
