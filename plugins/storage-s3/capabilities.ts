import type { StorageCapabilities } from 'streamhub/plugin-sdk';

export const S3_CAPABILITIES: StorageCapabilities = {
  bulkDelete: true,
  presign: true,
  versions: true,
  multipart: true,
};

/** Limit of S3's DeleteObjects. */
export const S3_DELETE_BATCH = 1000;
