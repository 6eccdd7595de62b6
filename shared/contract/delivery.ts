import { AppNameParams, envelope } from '../schema/common.ts';
import { DeliveryView } from '../schema/delivery.ts';
import { operation } from './operation.ts';

export const getDeliveryPlan = operation({
  id: 'getDeliveryPlan',
  method: 'GET',
  path: '/apps/{name}/delivery',
  tag: 'App config',
  summary: 'Get what the config does with a stream, in words and as data',
  description: 'The plan that recordings, live HLS, ingests, pages and join tokens follow.',
  access: { permission: 'config:read' },
  params: AppNameParams,
  responses: { 200: envelope(DeliveryView) },
  errors: ['APP_NOT_FOUND', 'CONFIG_MISSING', 'CONFIG_UNREADABLE'],
});
