import { type Static, Type } from 'typebox';
import type { DeliveryPlan } from '../delivery/plan.ts';
import { object } from './common.ts';

/** What the config of an app does with its streams. */
export const DeliveryView = object({
  summary: Type.Array(Type.String(), {
    description: 'The plan in sentences.',
    examples: [['Browsers publish 3 qualities (720p, 480p, 240p).']],
  }),
  notices: Type.Array(
    object({
      code: Type.String({ description: 'Stable word.', examples: ['NO_FFMPEG'] }),
      key: Type.String({ description: 'Dotted key of config.yaml.', examples: ['transcoding.vod_adaptive'] }),
      message: Type.String(),
    }),
    { description: 'What the config asks for and this installation cannot do, or does otherwise.' },
  ),
  plan: Type.Unsafe<Omit<DeliveryPlan, 'notices'>>({
    type: 'object',
    additionalProperties: true,
    description: 'The same as data: recording, vod, live, ingest, publish, room, player, playback, latencyAlert, mqtt.',
  }),
});
export type DeliveryView = Static<typeof DeliveryView>;
