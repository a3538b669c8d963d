import { readAttributes } from './attributes.ts';
import type { FieldReader } from './fields.ts';
import type { Request } from './requests.ts';

/**
 * Extensions advertised in VERSION, with the version each is spoken in (OpenSSH PROTOCOL, section 4;
 * `home-directory` and `copy-data` are from draft-ietf-secsh-filexfer-extensions-00). What is not here is refused.
 */
export const ADVERTISED_EXTENSIONS: readonly (readonly [name: string, version: string])[] = [
  ['posix-rename@openssh.com', '1'],
  ['statvfs@openssh.com', '2'],
  ['fsync@openssh.com', '1'],
  ['lsetstat@openssh.com', '1'],
  ['limits@openssh.com', '1'],
  ['expand-path@openssh.com', '1'],
  ['home-directory', '1'],
  ['copy-data', '1'],
];

/** Longest name of an extension that is repeated to anybody, in characters. */
const MAX_NAME = 64;

/** Reads the body of an EXTENDED request after its name (section 8 of the draft; OpenSSH PROTOCOL, section 4). */
export function readExtension(name: string, id: number, reader: FieldReader): Request {
  switch (name) {
    case 'posix-rename@openssh.com':
      return { kind: 'rename', id, from: reader.text(), to: reader.text() };
    case 'statvfs@openssh.com':
      return { kind: 'statvfs', id, path: reader.text() };
    case 'fsync@openssh.com':
      return { kind: 'fsync', id, handle: reader.handle() };
    case 'lsetstat@openssh.com':
      return { kind: 'setstat', id, path: reader.text(), attributes: readAttributes(reader) };
    case 'limits@openssh.com':
      return { kind: 'limits', id };
    case 'expand-path@openssh.com':
      return { kind: 'expandPath', id, path: reader.text() };
    case 'home-directory':
      return { kind: 'homeDirectory', id, username: reader.text() };
    case 'copy-data':
      return {
        kind: 'copyData',
        id,
        source: reader.handle(),
        sourceOffset: reader.uint64(),
        length: reader.uint64(),
        handle: reader.handle(),
        offset: reader.uint64(),
      };
    default:
      return { kind: 'unsupported', id, what: `the extension ${name.slice(0, MAX_NAME)}` };
  }
}
