import { getIngress, listIngress } from '#shared/contract/ingress.ts';
import type { Feature } from '../feature.ts';

export const ingests: Feature = { live: { refreshes: { streams: [listIngress, getIngress], 'room.counts': [] } } };
