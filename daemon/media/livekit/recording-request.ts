import type { EncodedOutputs } from 'livekit-server-sdk';

/** What LiveKit's egress service is asked to record, and where to. */
export interface RecordingRequest {
  room: string;
  /** Null = the whole room as one picture. */
  identity: string | null;
  layout: string;
  /** Key in the bucket, or a path on the machine of the egress service. */
  filepath: string;
  /** With the app's credentials: sent only to LiveKit. Null = a file on that machine. */
  s3: {
    accessKey: string;
    secret: string;
    /** Empty for credentials that don't expire. */
    sessionToken: string;
    bucket: string;
    region: string;
    endpoint: string;
    forcePathStyle: boolean;
  } | null;
  /** Seconds between snapshots. */
  images: { prefix: string; seconds: number } | null;
}

type Sdk = typeof import('livekit-server-sdk');

/** The request in LiveKit's words. Manifests are left out: they would lie in the bucket with no row that names them. */
export function recordingOutputs(sdk: Sdk, { filepath, s3, images }: RecordingRequest): EncodedOutputs {
  const output = s3 === null ? { case: undefined } : { case: 's3' as const, value: new sdk.S3Upload(s3) };
  const file = new sdk.EncodedFileOutput({
    fileType: sdk.EncodedFileType.MP4,
    filepath,
    disableManifest: true,
    output,
  });
  if (images === null) return { file };
  return {
    file,
    images: new sdk.ImageOutput({
      captureInterval: images.seconds,
      filenamePrefix: images.prefix,
      filenameSuffix: sdk.ImageFileSuffix.IMAGE_SUFFIX_INDEX,
      imageCodec: sdk.ImageCodec.IC_JPEG,
      disableManifest: true,
      output,
    }),
  };
}
