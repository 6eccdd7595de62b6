import type { EncodedOutputs, EncodingOptions } from 'livekit-server-sdk';
import type { Rung } from '#shared/delivery/ladder.ts';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { uploadTarget } from './upload-target.ts';

/** One quality of a stream as live HLS, as it is asked of LiveKit's egress service. */
export interface LiveHlsRequest {
  room: string;
  identity: string;
  rung: Rung;
  framerate: number;
  segmentSeconds: number;
  /** Keys in the bucket, or paths on the machine of the egress service: of segments without their numbers, … */
  prefix: string;
  /** … of the playlist with all segments, … */
  playlist: string;
  /** … and of the one with the newest. */
  livePlaylist: string;
  target: EgressTarget | null;
}

type Sdk = typeof import('livekit-server-sdk');

export function liveHlsOutputs(sdk: Sdk, request: LiveHlsRequest): EncodedOutputs {
  const { prefix, playlist, livePlaylist, segmentSeconds, target } = request;
  return {
    segments: new sdk.SegmentedFileOutput({
      protocol: sdk.SegmentedFileProtocol.HLS_PROTOCOL,
      filenamePrefix: prefix,
      playlistName: playlist,
      livePlaylistName: livePlaylist,
      segmentDuration: segmentSeconds,
      disableManifest: true,
      output: uploadTarget(sdk, target),
    }),
  };
}

export function liveHlsEncoding(sdk: Sdk, { rung, framerate, segmentSeconds }: LiveHlsRequest): EncodingOptions {
  return new sdk.EncodingOptions({
    width: rung.width,
    height: rung.height,
    framerate,
    videoCodec: sdk.VideoCodec.H264_MAIN,
    videoBitrate: rung.bitrateKbps,
    audioBitrate: rung.audioKbps,
    // a segment begins with a key frame, in every quality at the same distance
    keyFrameInterval: segmentSeconds,
  });
}
