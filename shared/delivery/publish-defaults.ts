import { type Static, Type } from 'typebox';
import { object } from '../schema/common.ts';
import type { PublishLayer, PublishPlan } from './plan.ts';

const VideoEncoding = object(
  {
    maxBitrate: Type.Integer({ description: 'Bits a second.', examples: [2_800_000] }),
    maxFramerate: Type.Integer({ description: 'Frames a second.', examples: [30] }),
  },
  { title: 'VideoEncoding' },
);

/** `publishDefaults` of livekit-client's `RoomOptions`, with those of its fields that the config sets. */
export const PublishDefaults = object(
  {
    simulcast: Type.Boolean({ description: 'Send several qualities.' }),
    videoEncoding: VideoEncoding,
    videoSimulcastLayers: Type.Array(
      object({ width: Type.Integer(), height: Type.Integer(), encoding: VideoEncoding }),
      {
        maxItems: 2,
        description: 'The qualities beside the best one, lowest first.',
      },
    ),
  },
  { title: 'PublishDefaults' },
);
export type PublishDefaults = Static<typeof PublishDefaults>;

/** `videoCaptureDefaults` of livekit-client's `RoomOptions`: the best quality needs a camera picture of its size. */
export const VideoCaptureDefaults = object(
  {
    resolution: object({
      width: Type.Integer({ examples: [1280] }),
      height: Type.Integer({ examples: [720] }),
      frameRate: Type.Integer({ examples: [30] }),
    }),
  },
  { title: 'VideoCaptureDefaults' },
);
export type VideoCaptureDefaults = Static<typeof VideoCaptureDefaults>;

const encodingOf = ({ bitrateKbps, framerate }: PublishLayer) => ({
  maxBitrate: bitrateKbps * 1000,
  maxFramerate: framerate,
});

/** What a page gives to livekit-client's `new Room(…)`, so that browsers publish as the config says. */
export function publishOptions({ simulcast, layers }: PublishPlan): {
  publishDefaults: PublishDefaults;
  videoCaptureDefaults: VideoCaptureDefaults;
} {
  const [best, ...others] = layers as [PublishLayer, ...PublishLayer[]];
  return {
    publishDefaults: {
      simulcast,
      videoEncoding: encodingOf(best),
      videoSimulcastLayers: others
        .map((layer) => ({ width: layer.width, height: layer.height, encoding: encodingOf(layer) }))
        .reverse(),
    },
    videoCaptureDefaults: { resolution: { width: best.width, height: best.height, frameRate: best.framerate } },
  };
}
