import { CALLBACKS_DEAD_DAYS, CALLBACKS_DELIVERED_DAYS } from '../limits.ts';
import {
  CallbackState,
  Delivery,
  DeliveryDetail,
  DeliveryParams,
  DeliveryQuery,
  Redelivered,
} from '../schema/callbacks.ts';
import { AppParams, envelope, page } from '../schema/common.ts';
import { operation } from './operation.ts';

const tag = 'Callbacks';

export const getCallbacks = operation({
  id: 'getCallbacks',
  method: 'GET',
  path: '/apps/{app}/callbacks',
  tag,
  summary: 'State of an app’s callbacks',
  description:
    'Events are posted to `callbacks.url` as `CallbackMessage`, in order, with `X-StreamHub-Event`, `-Delivery`, `-Timestamp` and, when a secret is set, `X-StreamHub-Signature: sha256=<hex HMAC-SHA256 of the raw body>`. A network error, 408, 429 and 5xx are tried again for hours; anything else is given up at once.',
  access: { permission: 'config:read' },
  params: AppParams,
  responses: { 200: envelope(CallbackState) },
});

export const listDeliveries = operation({
  id: 'listDeliveries',
  method: 'GET',
  path: '/apps/{app}/callbacks/deliveries',
  tag,
  summary: 'List callback deliveries, newest first',
  description: `\`state=dead\` is the dead-letter list. Delivered ones are kept for ${CALLBACKS_DELIVERED_DAYS} days, dead ones for ${CALLBACKS_DEAD_DAYS}.`,
  access: { permission: 'config:read' },
  params: AppParams,
  query: DeliveryQuery,
  responses: { 200: page(Delivery) },
});

export const getDelivery = operation({
  id: 'getDelivery',
  method: 'GET',
  path: '/apps/{app}/callbacks/deliveries/{id}',
  tag,
  summary: 'Get one delivery with its message',
  access: { permission: 'config:read' },
  params: DeliveryParams,
  responses: { 200: envelope(DeliveryDetail) },
  errors: ['DELIVERY_NOT_FOUND'],
});

export const redeliver = operation({
  id: 'redeliver',
  method: 'POST',
  path: '/apps/{app}/callbacks/deliveries/{id}/redeliver',
  tag,
  summary: 'Send a delivery again',
  description: 'The same message under the same id; it goes before what waits.',
  access: { permission: 'config:write' },
  params: DeliveryParams,
  responses: { 202: envelope(Delivery) },
  errors: ['DELIVERY_NOT_FOUND', 'CALLBACKS_OFF'],
  audit: 'callback.redeliver',
});

export const redeliverDead = operation({
  id: 'redeliverDead',
  method: 'POST',
  path: '/apps/{app}/callbacks/redeliver',
  tag,
  summary: 'Send everything of the dead-letter list again',
  access: { permission: 'config:write' },
  params: AppParams,
  responses: { 202: envelope(Redelivered) },
  errors: ['CALLBACKS_OFF'],
  audit: 'callback.redeliver',
});

export const testCallback = operation({
  id: 'testCallback',
  method: 'POST',
  path: '/apps/{app}/callbacks/test',
  tag,
  summary: 'Send the event `test`',
  description: 'It takes its turn like any other; ask for the delivery to see what became of it.',
  access: { permission: 'config:write' },
  params: AppParams,
  responses: { 202: envelope(Delivery) },
  errors: ['CALLBACKS_OFF'],
  audit: 'callback.test',
});
