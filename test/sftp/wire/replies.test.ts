import { describe, expect, test } from 'vitest';
import { directoryInfo, fileInfo } from '../../../src/contract/types.ts';
import { StatusCode } from '../../../src/sftp/wire/constants.ts';
import {
  attributesReply,
  dataReply,
  handleReply,
  type LargeReply,
  limitsReply,
  nameReply,
  pathReply,
  statusReply,
  statvfsReply,
  versionReply,
} from '../../../src/sftp/wire/replies.ts';
import { hex } from '../../support/sftp-packets.ts';

describe('replies, byte by byte', () => {
  test('VERSION with its extension pairs (section 4)', () => {
    expect(versionReply()).toEqual(
      hex(`
        000000dd 02                                                    # SSH_FXP_VERSION
        00000003                                                       # version
        00000018 706f7369782d72656e616d65406f70656e7373682e636f6d      # posix-rename@openssh.com
        00000001 31
        00000013 73746174766673406f70656e7373682e636f6d                # statvfs@openssh.com
        00000001 32
        00000011 6673796e63406f70656e7373682e636f6d                    # fsync@openssh.com
        00000001 31
        00000014 6c73657473746174406f70656e7373682e636f6d              # lsetstat@openssh.com
        00000001 31
        00000012 6c696d697473406f70656e7373682e636f6d                  # limits@openssh.com
        00000001 31
        00000017 657870616e642d70617468406f70656e7373682e636f6d        # expand-path@openssh.com
        00000001 31
        0000000e 686f6d652d6469726563746f7279                          # home-directory
        00000001 31
        00000009 636f70792d64617461                                    # copy-data
        00000001 31
      `),
    );
  });

  test('STATUS with a message and its language (section 7)', () => {
    expect(statusReply(7, StatusCode.NO_SUCH_FILE, 'No such file')).toEqual(
      hex(`
        0000001f 65                                   # SSH_FXP_STATUS
        00000007 00000002                             # id, SSH_FX_NO_SUCH_FILE
        0000000c 4e6f20737563682066696c65             # "No such file"
        00000002 656e                                 # "en"
      `),
    );
  });

  test('the status codes are those of section 7', () => {
    expect(StatusCode).toEqual({
      OK: 0,
      EOF: 1,
      NO_SUCH_FILE: 2,
      PERMISSION_DENIED: 3,
      FAILURE: 4,
      BAD_MESSAGE: 5,
      NO_CONNECTION: 6,
      CONNECTION_LOST: 7,
      OP_UNSUPPORTED: 8,
    });
  });

  test('HANDLE (section 7)', () => {
    expect(handleReply(8, '12')).toEqual(hex('0000000b 66  00000008  00000002 3132'));
  });

  test('HANDLE of bytes that are no text', () => {
    expect(handleReply(8, '\u0000\u00ff')).toEqual(hex('0000000b 66  00000008  00000002 00ff'));
  });

  test('DATA (section 7)', () => {
    expect(dataReply(9, Buffer.from('hello'))).toEqual(hex('0000000e 67  00000009  00000005 68656c6c6f'));
  });

  test('DATA of a view of larger bytes', () => {
    const view = new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3);
    expect(dataReply(9, view)).toEqual(hex('0000000b 67  00000009  00000002 0102'));
  });

  test('DATA does not change with what it was made of', () => {
    const bytes = Buffer.from('hello');
    const reply = dataReply(9, bytes) as Buffer;
    bytes.fill(0);
    expect(reply.subarray(13).toString()).toBe('hello');
  });

  test('a large DATA is a first packet of the channel and the rest, where it lies', () => {
    const bytes = Buffer.alloc(100_000, 'abc');
    const reply = dataReply(9, bytes) as LargeReply;
    const [first, rest] = reply.pieces;
    expect(first).toHaveLength(32_768);
    expect(rest.buffer).toBe(bytes.buffer);
    expect(reply).toHaveLength(100_013);
    expect(reply.join()).toEqual(Buffer.concat([hex('000186a9 67  00000009  000186a0'), bytes]));
  });

  test('NAME with two entries (section 7)', () => {
    const entries = [
      { filename: 'a', longname: '-a', info: fileInfo(5, 16) },
      { filename: 'ü', longname: 'd', info: directoryInfo(32) },
    ];
    expect(nameReply(10, entries)).toEqual(
      hex(`
        0000004f 68                                                     # SSH_FXP_NAME
        0000000a 00000002                                               # id, count
        00000001 61     00000002 2d61                                   # "a", "-a"
        0000000d 0000000000000005 000081a4 00000010 00000010            # size, permissions, times
        00000002 c3bc   00000001 64                                     # "ü", "d"
        0000000d 0000000000000000 000041ed 00000020 00000020
      `),
    );
  });

  test('NAME of a path, without attributes (section 6.11)', () => {
    expect(pathReply(11, '/in')).toEqual(
      hex('0000001b 68  0000000b  00000001  00000003 2f696e  00000003 2f696e  00000000'),
    );
  });

  test('ATTRS (section 7)', () => {
    expect(attributesReply(12, fileInfo(2 ** 33, 16))).toEqual(
      hex('0000001d 69  0000000c  0000000d 0000000200000000 000081a4 00000010 00000010'),
    );
  });

  test('EXTENDED_REPLY of limits@openssh.com (section 8; OpenSSH PROTOCOL, section 4.8)', () => {
    const limits = {
      maxPacketBytes: 262_144,
      maxReadBytes: 261_120,
      maxWriteBytes: 261_121,
      maxOpenHandles: 64,
    };
    expect(limitsReply(13, limits)).toEqual(
      hex(`
        00000025 c9  0000000d
        0000000000040000 000000000003fc00 000000000003fc01 0000000000000040
      `),
    );
  });

  test('EXTENDED_REPLY of statvfs@openssh.com (section 8; OpenSSH PROTOCOL, section 4.4)', () => {
    const statistics = {
      blockBytes: 4096,
      blocks: 10,
      freeBlocks: 9,
      files: 8,
      freeFiles: 7,
      maxNameBytes: 255,
    };
    expect(statvfsReply(14, statistics)).toEqual(
      hex(`
        0000005d c9  0000000e
        0000000000001000                        # f_bsize
        0000000000001000                        # f_frsize
        000000000000000a                        # f_blocks
        0000000000000009                        # f_bfree
        0000000000000009                        # f_bavail
        0000000000000008                        # f_files
        0000000000000007                        # f_ffree
        0000000000000007                        # f_favail
        0000000000000000                        # f_fsid
        0000000000000000                        # f_flag
        00000000000000ff                        # f_namemax
      `),
    );
  });
});
