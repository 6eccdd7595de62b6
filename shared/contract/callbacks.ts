import { CALLBACKS_DEAD_DAYS, CALLBACKS_DELIVERED_DAYS } from '../limits.ts';
import {
  CallbackState,
  Delivery,
  DeliveryDetail,
  DeliveryParams,
  DeliveryQuery,
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
  summary: 'State of an app’s callbacks',
  description:
    'Events are posted to `callbacks.url` as `CallbackMessage`, in order, with `X-StreamHub-Event`, `-Delivery`, `-Timestamp` and, when a secret is set, `X-StreamHub-Signature: sha256=<hex HMAC-SHA256 of the raw body>`. A network error, 408, 429 and 5xx are tried again for hours; 401, 403 and 404 for 30 minutes; anything else is given up immediately. `Retry-After` is honoured up to an hour.',
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

export const skipDeliveries = operation({
  id: 'skipDeliveries',
  method: 'POST',
  path: '/apps/{app}/callbacks/skip',
  tag,
  summary: 'Skip the delivery that holds up the others',
  description:
    'Without a field, the one that is next. With `untilSeq` or `untilTime`, all that wait up to there; with both, those that meet both. Skipped ones are in the dead-letter list and can be sent again.',
  access: { permission: 'config:write' },
  params: AppParams,
  body: SkipBody,
  responses: { 200: envelope(Skipped) },
  audit: 'callback.skip',
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
