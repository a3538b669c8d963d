import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll } from 'vitest';
import type { Finished } from './processes.ts';
import {
  BUCKET,
  createSurroundings,
  PREFIX,
  type Service,
  type Surroundings,
  sftp,
  startService,
} from './service.ts';

/** One service and what is around it, for all tests of a file. Nothing of it is there before the first. */
export interface SharedService {
  readonly around: Surroundings;
  readonly service: Service;
  /** A path in the clients' folder. */
  local(name: string): string;
  /** Makes a file of random bytes in the clients' folder. */
  localFile(name: string, size: number): Promise<Buffer>;
  /** What S3 has under a client's path. */
  stored(path: string): Buffer | undefined;
  /** Runs commands of `sftp`. */
  run(...commands: string[]): Promise<Finished>;
}

/** `env` goes over what a service usually has. */
export function shareService(env: Readonly<Record<string, string>> = {}): SharedService {
  let around: Surroundings;
  let service: Service;
  beforeAll(async () => {
    around = await createSurroundings();
    service = await startService({ ...around.env, ...env });
  });
  afterAll(async () => {
    await service?.stop();
    await around?.close();
  });
  const local = (name: string) => around.workspace.path(name);
  return {
    get around() {
      return around;
    },
    get service() {
      return service;
    },
    local,
    localFile: async (name, size) => {
      const bytes = randomBytes(size);
      await writeFile(local(name), bytes);
      return bytes;
    },
    stored: (path) => around.s3.objects(BUCKET).get(PREFIX + path)?.body,
    run: (...commands) => sftp(service, around.workspace, commands),
  };
}
