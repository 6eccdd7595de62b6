import type { AppConfig } from '#shared/config/defaults.ts';
import { mqttPlan } from '#shared/delivery/plan.ts';
import type { CallbackEventName, Receiver } from '#shared/schema/callbacks.ts';
import { isPassedOn } from './payloads.ts';

/** The receivers of such an event; nothing is stored for the others. */
export function receiversOf(config: AppConfig, event: CallbackEventName): Receiver[] {
  const mqtt = mqttPlan(config);
  const isPublished = mqtt !== null && (mqtt.events.includes('all') || mqtt.events.includes(event));
  return [...(config.callbacks.url === '' ? [] : (['callback'] as const)), ...(isPublished ? (['mqtt'] as const) : [])];
}

/** Does anybody get this event of LiveKit? */
export const isTold = (config: AppConfig, event: string): boolean =>
  isPassedOn(event) && receiversOf(config, event).length > 0;
