import type { RecordedPlace } from './location.ts';

/** An object of an app, for which a link is wanted. */
export interface LinkRequest {
  key: string;
  place: RecordedPlace;
  /** Seconds; at most 7 days, 1 hour for nothing sensible. */
  expiresIn: number;
  /** Makes browsers save under this name. */
  downloadName?: string;
  /** Its signed link opens what it leads to as well; see `SignedPlaylists`. */
  isPlaylist?: boolean;
}

export interface ObjectLinks {
  /** Open link, where the app has a public URL and the object is in its bucket. */
  publicUrl: string | null;
  /** Signed link; null where none can be made. */
  presignedUrl: string | null;
  /** Why there is no signed link, for people. */
  problem: string | null;
  /** The storage refuses a signed link to it, so there is none. */
  isRefused?: boolean;
}

export const NOT_OURS: ObjectLinks = {
  publicUrl: null,
  presignedUrl: null,
  problem:
    'LiveKit’s egress service stored the file in a storage that is not this app’s. Open it by its own address, or remove the storage from the egress service’s configuration.',
};
