import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { ProviderRef } from '#daemon/plugins/records.ts';
import type { StorageAnswer } from '#shared/plugin-sdk/storage-error.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';
import type { StorageCredentials } from '../credentials.ts';
import type { StorageLocation } from '../location.ts';

/** Which objects of an app are to be deleted, and how to reach them. Created again for every attempt; never stored. */
export interface PurgeInput {
  app: string;
  /** The app's `app.db`; opened for reading only. */
  databaseFile: string;
  /** The app's own folder. */
  appFolder: string;
  /** Where new objects go, and where snapshots lie. */
  current: StorageLocation;
  /** Where objects are of which no place was recorded. */
  unrecorded: StorageLocation;
  prefix: string;
  /** By provider id. */
  providers: Record<string, ProviderRef>;
  credentials: Record<string, string>;
  /** Credentials of other places, by `placeId`. */
  kept: Record<string, StorageCredentials>;
  policy: EndpointPolicy;
  /** Folders with the configs of all apps, of archived ones too: a prefix that another one uses is not listed. */
  configFolders: { apps: string; archive: string };
  /** Only the objects of this VOD, and no snapshots without a row. */
  vodId?: number;
  /** Leaves what is in a storage where it is, and counts it; files in the app's folder are deleted. No storage is asked. */
  leaveObjects: boolean;
  /** Only what live HLS has left: recordings are kept. */
  liveOnly: boolean;
  checkpoint: PurgeCheckpoint | null;
}

/** Position in the rows that name objects: VODs, then variants, then the segments of variants. */
export interface RowCursor {
  source: 'vods' | 'variants' | 'segments' | 'moves' | 'end';
  /** Last row that was read. */
  id: number;
  /** Within the segments of row `id`: the last position that was read. */
  position: number;
}

interface FailedKey {
  key: string;
  code: string;
}

/** One kind of refusal: what the storage itself says about it, and of how many keys. */
export interface StorageRefusal extends StorageAnswer {
  /** A `StorageErrorCode`. */
  code: string;
  count: number;
}

/** The progress. Everything before `cursor` and `startAfter` has been tried once. */
export interface PurgeCheckpoint {
  phase: 'objects' | 'snapshots' | 'done';
  cursor: RowCursor;
  /** Last key of the listing that was tried. */
  startAfter: string | null;
  deleted: number;
  failed: number;
  /** The first ones. */
  failedKeys: FailedKey[];
  /** Failures by code. */
  reasons: Record<string, number>;
  /** The same in the storage's own words; the first kinds. */
  refusals?: StorageRefusal[];
  /** Objects left where they are because the caller wants that, by storage in words. */
  leftIn?: Record<string, number>;
  /** Deleted objects that stay as an older version. */
  versionsKept: number;
  /** Objects named by rows when the purge began. */
  total: number;
  warnings: string[];
  /** Recordings in storages that are not the app's: they were left. Absent in checkpoints of older versions. */
  left?: { count: number; addresses: string[] };
}

export interface PurgeReport {
  checkpoint: PurgeCheckpoint;
  progress: JobProgress;
}

export const FAILED_KEYS_KEPT = 20;
export const REFUSALS_KEPT = 10;

export const freshCheckpoint = (total: number): PurgeCheckpoint => ({
  phase: 'objects',
  cursor: { source: 'vods', id: 0, position: -1 },
  startAfter: null,
  deleted: 0,
  failed: 0,
  failedKeys: [],
  reasons: {},
  versionsKept: 0,
  total,
  warnings: [],
});
