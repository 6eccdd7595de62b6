import type { IngressAudioOptions, IngressVideoOptions } from 'livekit-server-sdk';
import type { IngestEncoding } from '#shared/delivery/plan.ts';
import type { IngressType } from '#shared/schema/ingress.ts';

/** What an ingest is created from. */
export interface IngressRequest {
  type: IngressType;
  room: string;
  identity: string;
  name: string;
  /** The source, for type `url`. */
  url?: string;
  /** How it is encoded again; null = it is passed on as it comes, which LiveKit can do with WHIP only. */
  encoding: IngestEncoding | null;
}

/** What is changed of an ingest; what is missing stays. */
export interface IngressChange {
  name?: string;
  room?: string;
  enabled?: boolean;
  encoding?: IngestEncoding | null;
}

type Sdk = typeof import('livekit-server-sdk');

/** LiveKit's VideoQuality, which its library does not export. */
const QUALITIES = { low: 0, medium: 1, high: 2 } as const;

/** The encoding in LiveKit's words. Empty options replace those of an ingest that was encoded before. */
export function ingressEncoding(
  sdk: Sdk,
  encoding: IngestEncoding | null,
): { video: IngressVideoOptions; audio: IngressAudioOptions } {
  if (encoding === null) return { video: new sdk.IngressVideoOptions(), audio: new sdk.IngressAudioOptions() };
  const { layers, framerate, audioKbps } = encoding;
  return {
    video: new sdk.IngressVideoOptions({
      encodingOptions: {
        case: 'options',
        value: new sdk.IngressVideoEncodingOptions({
          // the only H.264 profile that LiveKit's ingress takes
          videoCodec: sdk.VideoCodec.H264_BASELINE,
          frameRate: framerate,
          layers: layers.map(({ quality, width, height, bitrateKbps }) => ({
            quality: QUALITIES[quality],
            width,
            height,
            bitrate: bitrateKbps * 1000,
          })),
        }),
      },
    }),
    audio: new sdk.IngressAudioOptions({
      encodingOptions: {
        case: 'options',
        value: new sdk.IngressAudioEncodingOptions({
          audioCodec: sdk.AudioCodec.OPUS,
          bitrate: audioKbps * 1000,
          channels: 2,
        }),
      },
    }),
  };
}
