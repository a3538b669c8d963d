/** What Amazon's S3 can do, and not every store that speaks its language. */
export interface Features {
  /** Parts may be copied out of other objects; where they may not, their bytes come here and go back. */
  readonly partCopies: boolean;
  /**
   * Parts may be copied into a multipart upload that verifies the CRC32 of the whole. MinIO wants a checksum with
   * every part of such an upload, which a copy cannot give.
   */
  readonly checkedPartCopies: boolean;
}

export const ALL_FEATURES: Features = { partCopies: true, checkedPartCopies: true };

/** A multipart upload of which S3 verifies every part, and the whole at its completion. */
export const CHECKED = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
