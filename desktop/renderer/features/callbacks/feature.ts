import { getCallbacks, getDelivery, listDeliveries } from '#shared/contract/callbacks.ts';
import type { Feature } from '../feature.ts';

export const callbacks: Feature = {
  live: { refreshes: { config: [getCallbacks], callbacks: [getCallbacks, listDeliveries, getDelivery] } },
};
