import { AppParams, envelope } from '../schema/common.ts';
import { SessionParams } from '../schema/sessions.ts';
import { SessionQuality, StayQuality, StayQualityParams, TelemetryAnswer, TelemetryBody } from '../schema/telemetry.ts';
import { operation } from './operation.ts';

const tag = 'Sessions';

export const reportTelemetry = operation({
  id: 'reportTelemetry',
  method: 'POST',
  path: '/apps/{app}/telemetry',
  tag,
  summary: 'Report what a client in a room measured',
  description:
    'For pages with livekit-client: `/telemetry.js` sends a report every 10 seconds. Send the join token of the room as `Authorization: Bearer`. It may have expired up to 24 hours ago, because the client is in the room already. One sample for each 10 seconds is kept. With `analytics.enabled: false` nothing is kept.',
  access: 'public',
  isForAnySite: true,
  limit: 'watch',
  share: 'watch',
  // one for each client and 10 s
  audit: false,
  params: AppParams,
  body: TelemetryBody,
  bodyLimit: 8192,
  responses: { 200: envelope(TelemetryAnswer) },
  errors: ['APP_NOT_FOUND', 'JOIN_TOKEN_INVALID', 'CONNECTION_UNKNOWN', 'LIVEKIT_NOT_CONFIGURED', 'RATE_LIMITED'],
});

export const getSessionQuality = operation({
  id: 'getSessionQuality',
  method: 'GET',
  path: '/apps/{app}/sessions/{id}/quality',
  tag,
  summary: 'Get what was wrong with the connections of a session',
  access: { permission: 'session:read' },
  share: 'work',
  params: SessionParams,
  responses: { 200: envelope(SessionQuality) },
  errors: ['SESSION_UNKNOWN'],
});

export const getStayQuality = operation({
  id: 'getStayQuality',
  method: 'GET',
  path: '/apps/{app}/sessions/{id}/quality/{stay}',
  tag,
  summary: 'Get what one connection of a session measured',
  access: { permission: 'session:read' },
  share: 'work',
  params: StayQualityParams,
  responses: { 200: envelope(StayQuality) },
  errors: ['SESSION_UNKNOWN', 'CONNECTION_UNKNOWN'],
});
