import { Type } from 'typebox';
import { AppParams, envelope, page } from '../schema/common.ts';
import { AppFileParams, AppFileQuery, FileBytes, PlaylistParams, PlaylistQuery } from '../schema/files.ts';
import { Job } from '../schema/jobs.ts';
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
  summary: 'Get a VOD with its links',
  description: 'Links are null until the VOD is ready, and if its storage is no longer configured.',
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
  summary: 'Get a recording stored in the app’s folder',
  description:
    'The links of a VOD use this route if no bucket is configured. They are signed for one file and expire; no Bearer token is needed. Supports `HEAD` and `Range`.',
  access: 'public',
  isForAnySite: true,
  share: 'download',
  params: AppFileParams,
  query: AppFileQuery,
  responses: { 200: FileBytes, 206: FileBytes },
  produces: 'video/mp4',
  alsoProduces: ['video/*', 'audio/*', 'image/*', 'application/vnd.apple.mpegurl', 'application/octet-stream'],
  errors: [
    'APP_NOT_FOUND',
    'FILE_LINK_INVALID',
    'FILE_LINK_EXPIRED',
    'FILE_MISSING',
    'PRECONDITION_FAILED',
    'RANGE_NOT_SATISFIABLE',
  ],
});

export const getPlaylist = operation({
  id: 'getPlaylist',
  method: 'GET',
  path: '/apps/{app}/playlists/{file}',
  tag,
  summary: 'Get an HLS playlist with signed links',
  description:
    'HLS links use this route if the app has no public URL. The daemon reads the playlist from the app’s storage and signs a link to each segment. Players fetch segments from the storage, or from the daemon if they are in the app’s folder. Playlists of single qualities have links of this kind too. All links expire together; no Bearer token is needed.',
  access: 'public',
  isForAnySite: true,
  share: 'watch',
  params: PlaylistParams,
  query: PlaylistQuery,
  responses: { 200: Type.String() },
  produces: 'application/vnd.apple.mpegurl',
  errors: ['APP_NOT_FOUND', 'FILE_LINK_INVALID', 'FILE_LINK_EXPIRED', 'FILE_MISSING', 'PLAYLIST_UNREADABLE'],
});

export const transcodeVod = operation({
  id: 'transcodeVod',
  method: 'POST',
  path: '/apps/{app}/vods/{id}/transcode',
  tag,
  summary: 'Make an HLS ladder of a VOD',
  description:
    'New recordings get their ladder by themselves, if the config asks for it. This makes one of an older VOD, or again after a failure. The answer is the job.',
  access: { permission: 'vod:write' },
  params: VodParams,
  responses: { 202: envelope(Job) },
  errors: ['VOD_NOT_FOUND', 'VOD_NOT_TRANSCODABLE', 'APP_BUSY'],
  audit: 'vod.transcode',
});

export const deleteVod = operation({
  id: 'deleteVod',
  method: 'DELETE',
  path: '/apps/{app}/vods/{id}',
  tag,
  summary: 'Delete a VOD',
  description:
    'Deletes its objects first (file, snapshots, variants with their segments), then the row. If the storage refuses an object, the row stays and you can repeat the call. If the bucket no longer exists, `leaveObjects=true` removes only the row.',
  access: { permission: 'vod:delete' },
  share: 'work',
  params: VodParams,
  query: DeleteVodQuery,
  responses: { 204: null },
  errors: ['VOD_NOT_FOUND', 'VOD_IN_PROGRESS', 'VOD_OBJECTS_KEPT'],
  audit: 'vod.delete',
});
