import type { ErrorCode } from '../errors.ts';
import { AppParams, envelope } from '../schema/common.ts';
import {
  CreatedIngress,
  CreateIngressBody,
  IngressDetail,
  IngressKey,
  IngressPage,
  IngressParams,
  IngressQuery,
  IngressRow,
  UpdateIngressBody,
} from '../schema/ingress.ts';
import { operation } from './operation.ts';

const tag = 'Ingests';
const livekit = ['LIVEKIT_NOT_CONFIGURED', 'LIVEKIT_UNREACHABLE', 'LIVEKIT_REFUSED'] as const satisfies ErrorCode[];

export const listIngress = operation({
  id: 'listIngress',
  method: 'GET',
  path: '/apps/{app}/ingress',
  tag,
  summary: 'List an app’s ingests',
  description:
    'Sorted by name. Includes all ingests that LiveKit has for rooms of the app, even those created elsewhere.',
  access: { permission: 'ingress:read' },
  params: AppParams,
  query: IngressQuery,
  responses: { 200: IngressPage },
  errors: livekit,
});

export const getIngress = operation({
  id: 'getIngress',
  method: 'GET',
  path: '/apps/{app}/ingress/{id}',
  tag,
  summary: 'Get one ingest',
  description: 'With the sizes of the picture that it sends to the room.',
  access: { permission: 'ingress:read' },
  params: IngressParams,
  responses: { 200: envelope(IngressDetail) },
  errors: ['INGRESS_NOT_FOUND', ...livekit],
});

export const getIngressKey = operation({
  id: 'getIngressKey',
  method: 'GET',
  path: '/apps/{app}/ingress/{id}/key',
  tag,
  summary: 'Get an ingest’s stream key',
  description: 'Needs the right to change ingests, because anyone with the key can publish.',
  access: { permission: 'ingress:write' },
  params: IngressParams,
  responses: { 200: envelope(IngressKey) },
  errors: ['INGRESS_NOT_FOUND', ...livekit],
});

export const createIngress = operation({
  id: 'createIngress',
  method: 'POST',
  path: '/apps/{app}/ingress',
  tag,
  summary: 'Create an ingest',
  description:
    'RTMP and WHIP ingests return an address and a key for the encoder. If nodes report and the room doesn’t exist yet, it is first placed on an active node and kept for one hour until someone joins.',
  access: { permission: 'ingress:create' },
  params: AppParams,
  share: 'work',
  body: CreateIngressBody,
  responses: { 201: envelope(CreatedIngress) },
  errors: ['QUOTA_EXCEEDED', 'FEATURE_OFF', 'INGRESS_LIMIT', 'INGRESS_NOT_TAKEN', ...livekit],
  audit: 'ingress.create',
});

export const updateIngress = operation({
  id: 'updateIngress',
  method: 'PATCH',
  path: '/apps/{app}/ingress/{id}',
  tag,
  summary: 'Pause, resume or rename an ingest',
  description:
    'A paused ingest cuts its encoder off and refuses others, and keeps its address and key. A resumed one is encoded as the config says now. LiveKit cuts off a live encoder at any change, so a live ingest can only be paused. Sources (type `url`) can’t be changed.',
  access: { permission: 'ingress:write' },
  params: IngressParams,
  body: UpdateIngressBody,
  responses: { 200: envelope(IngressRow) },
  errors: ['INGRESS_NOT_FOUND', 'INGRESS_LIVE', 'INGRESS_FIXED', 'QUOTA_EXCEEDED', 'FEATURE_OFF', ...livekit],
  audit: 'ingress.update',
});

export const deleteIngress = operation({
  id: 'deleteIngress',
  method: 'DELETE',
  path: '/apps/{app}/ingress/{id}',
  tag,
  summary: 'Delete an ingest',
  description: 'Revokes the key and ends what the ingest publishes.',
  access: { permission: 'ingress:delete' },
  params: IngressParams,
  responses: { 204: null },
  errors: ['INGRESS_NOT_FOUND', ...livekit],
  audit: 'ingress.delete',
});
