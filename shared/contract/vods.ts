import { AppParams, page } from '../schema/common.ts';
import { AppFileParams, AppFileQuery, PlaylistFileParams } from '../schema/files.ts';
import { DeleteVodQuery, VodDetail, VodParams, VodQuery, VodRow } from '../schema/vods.ts';
import { operation } from './operation.ts';

const tag = 'Recordings';

export const listVods = operation({
  id: 'listVods',
  method: 'GET',
  path: '/apps/{app}/vods',
  tag,
  summary: 'List an app’s VODs, newest first',
  access: { permission: 'vod:read' },
  share: 'work',
  params: AppParams,
  query: VodQuery,
  responses: { 200: page(VodRow) },
});

export const getVod = operation({
  id: 'getVod',
  method: 'GET',
  path: '/apps/{app}/vods/{id}',
  tag,
  summary: 'Get one VOD with its links',
  description: 'Links are null while it is not ready, and when its storage is no longer configured.',
  access: { permission: 'vod:read' },
  share: 'work',
  params: VodParams,
  responses: { 200: VodDetail },
  errors: ['VOD_NOT_FOUND'],
});

export const getAppFile = operation({
  id: 'getAppFile',
  method: 'GET',
  path: '/apps/{app}/files/{file}',
  tag,
  summary: 'Open a recording that is kept in the app’s folder',
  description:
    'Where no bucket is configured, the links of a VOD lead here. They are signed, open one file, and expire; no Bearer is needed. `HEAD` and `Range` are honoured.',
  access: 'public',
  params: AppFileParams,
  query: AppFileQuery,
  responses: { 200: null, 206: null },
  produces: 'video/mp4',
  errors: ['APP_NOT_FOUND', 'FILE_LINK_INVALID', 'FILE_LINK_EXPIRED', 'FILE_MISSING'],
});

export const getPlaylistFile = operation({
  id: 'getPlaylistFile',
  method: 'GET',
  path: '/apps/{app}/playlists/{grant}/{file}',
  tag,
  summary: 'Open an HLS recording that is kept in the app’s folder',
  description:
    'The link of a VOD in segments leads here. It is signed for the playlist and the numbered segments beside it, which the playlist names relative to itself, and expires; no Bearer is needed. `HEAD` and `Range` are honoured.',
  access: 'public',
  params: PlaylistFileParams,
  responses: { 200: null, 206: null },
  produces: 'application/vnd.apple.mpegurl',
  errors: ['APP_NOT_FOUND', 'FILE_LINK_INVALID', 'FILE_LINK_EXPIRED', 'FILE_MISSING'],
});

export const deleteVod = operation({
  id: 'deleteVod',
  method: 'DELETE',
  path: '/apps/{app}/vods/{id}',
  tag,
  summary: 'Delete a VOD',
  description:
    'Its objects first (file, snapshots, variants with their segments), then the row. When the storage refuses one, the row stays and the call can be repeated. If the bucket is gone for good, `leaveObjects=true` removes the row alone.',
  access: { permission: 'vod:delete' },
  share: 'work',
  params: VodParams,
  query: DeleteVodQuery,
  responses: { 204: null },
  errors: ['VOD_NOT_FOUND', 'VOD_IN_PROGRESS', 'VOD_OBJECTS_KEPT'],
  audit: 'vod.delete',
});
