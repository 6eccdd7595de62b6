import type { EncodedFileOutput } from 'livekit-server-sdk';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';

type Sdk = typeof import('livekit-server-sdk');

/** Where an egress service writes, in LiveKit's words; null = the disk of its machine. */
export function uploadTarget(sdk: Sdk, target: EgressTarget | null): EncodedFileOutput['output'] {
  switch (target?.kind) {
    case 's3':
      return { case: 's3', value: new sdk.S3Upload(target) };
    case 'azure':
      return { case: 'azure', value: new sdk.AzureBlobUpload(target) };
    case 'gcp':
      return { case: 'gcp', value: new sdk.GCPUpload(target) };
    case 'alioss':
      return { case: 'aliOSS', value: new sdk.AliOSSUpload(target) };
    case undefined:
      return { case: undefined };
  }
}
