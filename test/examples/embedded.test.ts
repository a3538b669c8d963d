import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Running } from '../support/processes.ts';
import { sftp } from '../support/service.ts';
import { createWorkspace, USERNAME, type Workspace } from '../support/workspace.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/embedded', import.meta.url));

type Line = Readonly<Record<string, unknown>>;

let workspace: Workspace;

beforeAll(async () => {
  workspace = await createWorkspace();
});
afterAll(() => workspace?.remove());

const parse = (line: string) => JSON.parse(line) as Line;

test('the Fastify service lists what was uploaded by SFTP, and closes both in order', async () => {
  const running = new Running(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    cwd: EXAMPLE,
    env: {
      EMBEDDED_HTTP_PORT: '0',
      EMBEDDED_SFTP_PORT: '0',
      EMBEDDED_HOST_KEYS: workspace.hostKeysDir,
      EMBEDDED_USERS_FILE: workspace.usersFile,
    },
  });
  const logged = async (matches: (line: Line) => boolean) =>
    parse(await running.line((line) => matches(parse(line))));
  const { port } = await logged(({ msg }) => msg === 'SFTP is listening');
  const { msg } = await logged((line) => /^Server listening at http:\/\/127/.test(String(line['msg'])));
  const url = String(msg).replace('Server listening at ', '');
  expect((await fetch(`${url}/ready`)).status).toBe(200);

  const files = ['one.csv', 'two.csv'];
  for (const file of files) await writeFile(workspace.path(file), file);
  const commands = files.map((file) => `put ${workspace.path(file)} /${file}`);
  expect(await sftp({ port: Number(port) }, workspace, commands)).toMatchObject({ code: 0 });
  expect(await (await fetch(`${url}/uploads`)).json()).toMatchObject([
    { path: '/two.csv', bytes: 7, username: USERNAME },
    { path: '/one.csv', bytes: 7, username: USERNAME },
  ]);

  running.kill('SIGTERM');
  expect(await running.exited).toMatchObject({ code: 0, stderr: '' });
  const messages = running.lines.map((line) => parse(line)['msg']);
  expect(messages.slice(-2)).toEqual(['no SFTP session is left', 'stopped']);
});
