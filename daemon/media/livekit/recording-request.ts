import type { EncodedOutputs, EncodingOptions } from 'livekit-server-sdk';
import type { VideoEncoding } from '#shared/delivery/plan.ts';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { uploadTarget } from './upload-target.ts';

/** What LiveKit's egress service should record, and where to. */
export interface RecordingRequest {
  room: string;
  /** Null = the whole room as one picture. */
  identity: string | null;
  layout: string;
  /** Sound alone, of the whole room or of one track; null = with a picture. */
  audio: { trackSid: string } | null;
  video: VideoEncoding;
  /** HLS instead of one MP4 file. */
  segments: { seconds: number } | null;
  /** Key in the bucket, or a path on the machine of the egress service: of the file, or of the playlist. */
  filepath: string;
  /** With the app's credentials: sent only to LiveKit. Null = a file on that machine. */
  target: EgressTarget | null;
  /** Seconds between snapshots. */
  images: { prefix: string; seconds: number } | null;
}

type Sdk = typeof import('livekit-server-sdk');

/** How to encode, in LiveKit's words. Without it LiveKit makes 720p of everything, even of sound. */
export function recordingEncoding(sdk: Sdk, { video, audio, segments }: RecordingRequest): EncodingOptions {
  const audioBitrate = video.audioKbps;
  if (audio !== null) return new sdk.EncodingOptions({ audioBitrate });
  const { width, height, framerate, bitrateKbps: videoBitrate, keyframeSeconds } = video;
  return new sdk.EncodingOptions({
    width,
    height,
    framerate,
    videoCodec: sdk.VideoCodec.H264_HIGH,
    videoBitrate,
    audioBitrate,
    // each segment begins with a key frame
    keyFrameInterval: segments === null ? keyframeSeconds : Math.min(keyframeSeconds, segments.seconds),
  });
}

/** The outputs in LiveKit's words. Manifests are left out: they would be in the bucket with no row that names them. */
export function recordingOutputs(sdk: Sdk, { filepath, segments, target, images }: RecordingRequest): EncodedOutputs {
  const common = { disableManifest: true, output: uploadTarget(sdk, target) };
  return {
    ...(segments === null
      ? { file: new sdk.EncodedFileOutput({ ...common, fileType: sdk.EncodedFileType.MP4, filepath }) }
      : {
          segments: new sdk.SegmentedFileOutput({
            ...common,
            protocol: sdk.SegmentedFileProtocol.HLS_PROTOCOL,
            filenamePrefix: filepath.replace(/\.m3u8$/, ''),
            playlistName: filepath,
            segmentDuration: segments.seconds,
          }),
        }),
    ...(images === null
      ? {}
      : {
          images: new sdk.ImageOutput({
            ...common,
            captureInterval: images.seconds,
            filenamePrefix: images.prefix,
            filenameSuffix: sdk.ImageFileSuffix.IMAGE_SUFFIX_INDEX,
            imageCodec: sdk.ImageCodec.IC_JPEG,
          }),
        }),
  };
}
