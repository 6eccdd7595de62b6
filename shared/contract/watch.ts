import { envelope } from '../schema/common.ts';
import { HlsViewerBody, WatchParams, WatchQuery, WatchView, WatchViewers } from '../schema/watch.ts';
import { operation } from './operation.ts';

export const getWatch = operation({
  id: 'getWatch',
  method: 'GET',
  path: '/apps/{app}/watch/{room}',
  tag: 'Streams',
  summary: 'Get what a page needs to play a room',
  description:
    'For viewers: without an API token. If `features.public_playback` is on, anyone may ask, and gets a token that may only watch. If it is off, send a join token of the room as `Authorization: Bearer`. The answer names the addresses for WebRTC and live HLS, and what the page shows. The pages at `/watch/{app}/{room}` and `/publish/{app}/{room}` use it.',
  access: 'public',
  isForAnySite: true,
  limit: 'watch',
  share: 'watch',
  params: WatchParams,
  query: WatchQuery,
  responses: { 200: envelope(WatchView) },
  errors: ['APP_NOT_FOUND', 'PLAYBACK_NOT_PUBLIC', 'JOIN_TOKEN_INVALID', 'LIVEKIT_NOT_CONFIGURED', 'RATE_LIMITED'],
});

export const countHlsViewer = operation({
  id: 'countHlsViewer',
  method: 'POST',
  path: '/apps/{app}/watch/{room}/viewers',
  tag: 'Streams',
  summary: 'Count a page that plays live HLS',
  description:
    'Viewers of live HLS are in no LiveKit room, so their page says every 30 seconds that it plays. One that is silent for 75 seconds no longer counts. Only rooms with live HLS count; nothing is stored. With a hidden token you get the numbers and are not counted.',
  access: 'public',
  isForAnySite: true,
  limit: 'watch',
  share: 'watch',
  // one for each viewer and half a minute
  audit: false,
  params: WatchParams,
  body: HlsViewerBody,
  responses: { 200: envelope(WatchViewers) },
  errors: ['APP_NOT_FOUND', 'PLAYBACK_NOT_PUBLIC', 'JOIN_TOKEN_INVALID', 'LIVEKIT_NOT_CONFIGURED', 'RATE_LIMITED'],
});
