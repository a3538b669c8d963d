import type { Limits } from './wire/replies.ts';

/**
 * What one SFTP session may ask for, told to clients that ask (limits@openssh.com) and enforced on all.
 * Packet, read and write sizes are OpenSSH's own, so its client sends writes of 255 KiB instead of 32.
 */
export const LIMITS: Limits = {
  maxPacketBytes: 256 * 1024,
  maxReadBytes: 255 * 1024,
  maxWriteBytes: 255 * 1024,
  maxOpenHandles: 64,
};

/** Requests of one session that may be under way at once; past it, the channel is not read. */
export const MAX_OUTSTANDING_REQUESTS = 64;

/**
 * Entries in one NAME reply of READDIR: with the longest names still within the 34,000 bytes that every client must
 * take (section 3 of the draft).
 */
export const READDIR_ENTRIES = 46;
