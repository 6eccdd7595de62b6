import { getDeliveryPlan } from '#shared/contract/delivery.ts';
import type { Feature } from '../feature.ts';

export const delivery: Feature = {
  live: { refreshes: { config: [getDeliveryPlan] } },
};
