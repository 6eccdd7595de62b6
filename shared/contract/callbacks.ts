import { CALLBACKS_DEAD_DAYS, CALLBACKS_DELIVERED_DAYS } from '../limits.ts';
import {
  CallbackState,
  Delivery,
  DeliveryDetail,
  DeliveryParams,
  DeliveryQuery,
  ReceiverQuery,
  Redelivered,
  SkipBody,
  Skipped,
} from '../schema/callbacks.ts';
import { AppParams, envelope, page } from '../schema/common.ts';
import { operation } from './operation.ts';

const tag = 'Callbacks';

export const getCallbacks = operation({
  id: 'getCallbacks',
  method: 'GET',
  path: '/apps/{app}/callbacks',
  tag,
  summary: 'Get the state of an app’s callbacks',
  description:
    'Events are posted to `callbacks.url` as `CallbackMessage`, in order. The headers are `X-StreamHub-Event`, `-Delivery` and `-Timestamp`. If a secret is set, `X-StreamHub-Signature` is `sha256=<hex HMAC-SHA256 of the raw body>`. `X-StreamHub-Signature-V2` is `t=<Unix seconds of this try>,v1=<hex HMAC-SHA256 of t, a dot and the raw body>`. Network errors, 408, 429 and 5xx are retried for hours. 401, 403 and 404 are retried for 30 minutes. Any other status fails immediately. `Retry-After` is honored up to one hour.',
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
  description: `\`state=dead\` lists the dead letters. Delivered ones are kept for ${CALLBACKS_DELIVERED_DAYS} days, dead ones for ${CALLBACKS_DEAD_DAYS}.`,
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
  query: ReceiverQuery,
  responses: { 200: envelope(DeliveryDetail) },
  errors: ['DELIVERY_NOT_FOUND'],
});

export const redeliver = operation({
  id: 'redeliver',
  method: 'POST',
  path: '/apps/{app}/callbacks/deliveries/{id}/redeliver',
  tag,
  summary: 'Send a delivery again',
  description: 'Sends the same message with the same id, before the waiting ones.',
  access: { permission: 'config:write' },
  params: DeliveryParams,
  query: ReceiverQuery,
  responses: { 202: envelope(Delivery) },
  errors: ['DELIVERY_NOT_FOUND', 'CALLBACKS_OFF', 'MQTT_OFF'],
  audit: 'callback.redeliver',
});

export const redeliverDead = operation({
  id: 'redeliverDead',
  method: 'POST',
  path: '/apps/{app}/callbacks/redeliver',
  tag,
  summary: 'Send all dead letters again',
  access: { permission: 'config:write' },
  params: AppParams,
  query: ReceiverQuery,
  responses: { 202: envelope(Redelivered) },
  errors: ['CALLBACKS_OFF', 'MQTT_OFF'],
  audit: 'callback.redeliver',
});

export const skipDeliveries = operation({
  id: 'skipDeliveries',
  method: 'POST',
  path: '/apps/{app}/callbacks/skip',
  tag,
  summary: 'Skip deliveries that block the queue',
  description:
    'Without a field, skips the next delivery. With `untilSeq` or `untilTime`, skips all waiting deliveries up to that point; with both, those that match both. Skipped deliveries become dead letters and can be sent again.',
  access: { permission: 'config:write' },
  params: AppParams,
  query: ReceiverQuery,
  body: SkipBody,
  responses: { 200: envelope(Skipped) },
  audit: 'callback.skip',
});

export const testCallback = operation({
  id: 'testCallback',
  method: 'POST',
  path: '/apps/{app}/callbacks/test',
  tag,
  summary: 'Send a `test` event',
  description: 'The event waits in the queue like any other. Get the delivery to see the result.',
  access: { permission: 'config:write' },
  params: AppParams,
  responses: { 202: envelope(Delivery) },
  errors: ['CALLBACKS_OFF'],
  audit: 'callback.test',
});
