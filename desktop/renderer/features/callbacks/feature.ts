import { getApp, listApps } from '#shared/contract/apps.ts';
import { getCallbacks, getDelivery, listDeliveries } from '#shared/contract/callbacks.ts';
import { getMqtt } from '#shared/contract/mqtt.ts';
import type { Feature } from '../feature.ts';

export const callbacks: Feature = {
  live: {
    refreshes: {
      config: [getCallbacks, getMqtt],
      callbacks: [getCallbacks, getMqtt, listDeliveries, getDelivery],
      // these change the problems of the app
      'mqtt.connected': [getMqtt, listApps, getApp],
      'mqtt.disconnected': [getMqtt, listApps, getApp],
      'latency.high': [listApps, getApp],
      'latency.normal': [listApps, getApp],
    },
  },
};
