import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import vm from 'node:vm';

interface Answer {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason?: string;
  readonly Data?: Readonly<Record<string, string>>;
}

/**
 * Runs the function of a custom resource as Lambda would, here: its code, out of the template, with this process's environment and the
 * same modules. Gives what it answers CloudFormation.
 */
export async function runCustomResource(
  code: string,
  properties: object,
  requestType: 'Create' | 'Update' | 'Delete' = 'Create',
): Promise<Answer> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(Buffer.concat(await request.toArray()).toString());
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const module = { exports: {} as { handler(event: object): Promise<void> } };
    const run = vm.runInThisContext(`(require, module, exports) => {${code}\n}`);
    run(createRequire(import.meta.url), module, module.exports);
    await module.exports.handler({
      RequestType: requestType,
      ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'HostKeys',
      ResourceProperties: properties,
    });
  } finally {
    server.close();
  }
  return JSON.parse(bodies[0] as string) as Answer;
}
