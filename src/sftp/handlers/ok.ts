import { StatusCode } from '../wire/constants.ts';
import { statusReply } from '../wire/replies.ts';

/** STATUS OK: what was asked has been done. */
export function ok(id: number): Buffer {
  return statusReply(id, StatusCode.OK, 'Success');
}

/** STATUS EOF: the end of a file or directory. */
export function endOfFile(id: number): Buffer {
  return statusReply(id, StatusCode.EOF, 'End of file');
}
