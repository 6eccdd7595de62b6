import { type Static, Type } from 'typebox';
import { object } from './common.ts';

/** Bytes of a file, as they are. */
export const FileBytes = Type.Unsafe<unknown>({ type: 'string', format: 'binary' });

export const AppFileParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  file: Type.String({
    maxLength: 255,
    description: 'Name of the file.',
    examples: ['live-stage-20261123T093012Z.mp4'],
  }),
});

export const PlaylistParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  file: Type.String({ maxLength: 255, description: 'Name of the playlist.', examples: ['master.m3u8'] }),
});

/** What a link to a playlist carries; made by the daemon. */
export const PlaylistQuery = object({
  grant: Type.String({
    maxLength: 4096,
    pattern: '^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]{43}$',
    description: 'The playlist and the expiry time of the link, signed by the daemon.',
  }),
});

/** What a link to a file carries; made by the daemon. */
export const AppFileQuery = object({
  folder: Type.String({ minLength: 1, maxLength: 1024, description: 'Subfolder of the app’s folder.' }),
  expires: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Seconds since 1970.' }),
  download: Type.Optional(Type.Literal('1', { description: 'Makes browsers save the file.' })),
  signature: Type.String({ minLength: 43, maxLength: 43, pattern: '^[A-Za-z0-9_-]+$' }),
});
export type AppFileQuery = Static<typeof AppFileQuery>;
