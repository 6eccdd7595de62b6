import { listStreams } from '#shared/contract/streams.ts';
import { getVod, listVods } from '#shared/contract/vods.ts';
import type { Feature } from '../feature.ts';

export const streams: Feature = {
  live: { refreshes: { streams: [listStreams], vods: [listVods, getVod] } },
};
