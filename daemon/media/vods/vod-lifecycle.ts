import path from 'node:path';
import { localKey } from '#daemon/apps/storage/local-key.ts';
import {
  ELSEWHERE_PROVIDER,
  LOCAL_PLACE,
  LOCAL_PROVIDER,
  type RecordedPlace,
  recordedPlace,
} from '#daemon/apps/storage/location.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { iso } from '#shared/instants.ts';
import { applyEncoder } from '../live-hls/lifecycle.ts';
import type { Egress, EgressFile } from '../livekit/egress.ts';
import { isUnderWay, moveRepository } from '../moving/repository.ts';
import { livekitMemory, streamRepository } from '../streams/repository.ts';
import { applyLadderEncoder } from '../transcoding/encoders.ts';
import { type NewVod, type VodRecord, vodRepository } from './repository.ts';
import { requestedPlace, resultPlace } from './result-place.ts';

/** A change of a VOD's row. `recording_finished`: it is ready; `recording_ready` follows, which tells receivers. */
export type VodChange =
  | {
      kind:
        | 'recording_starting'
        | 'recording_started'
        | 'recording_uploading'
        | 'recording_finished'
        | 'recording_ready'
        | 'recording_failed'
        | 'recording_cancelled'
        | 'recording_measured'
        | 'snapshot_taken';
      vod: VodRecord;
    }
  /** Its egress has failed; what it left in the storage decides whether the recording has, too. */
  | { kind: 'recording_broken'; vod: VodRecord; reason: string }
  /** Its ladder was made, or won't be. */
  | { kind: 'vod_ready'; vod: VodRecord; playlist: string | null };

/** The app that a recording belongs to. */
export interface VodOwner {
  appId: number;
  /** Where new objects of the app go. */
  place: RecordedPlace;
  /** Absolute folder of the app; files in it are named relative to it. */
  appDir: string;
}

/** Format of the variant that holds a recording's snapshots. */
export const SNAPSHOT_FORMAT = 'jpeg';
/** Format of the variant that names what a failed recording left, so that it is deleted with the row. */
export const LEFTOVER_FORMAT = 'leftover';

/** Inserts the row before LiveKit is asked to record. */
export function beginVod(db: Db, vod: NewVod): VodRecord {
  return vodRepository(db).insert(vod);
}

/** LiveKit accepted the request. Its event may have arrived before its answer. */
export function acceptVod(db: Db, id: number, egressId: string): void {
  const vods = vodRepository(db);
  if (vods.get(id)?.egress_id === null) vods.update(id, { egress_id: egressId });
}

/** Nothing was recorded: it failed, or somebody stopped it before it began. */
export function failVod(db: Db, id: number, error: string, at: number): VodChange[] {
  const vods = vodRepository(db);
  const vod = vods.get(id);
  if (vod === undefined || !isOpen(vod)) return [];
  // a file in a folder grows from its beginning; in a storage it is whole or not there
  const gone = { ended_at: iso(at), file_key: null, ...(vod.status === 'starting' ? { local_path: null } : {}) };
  if (vod.status === 'starting' && vod.is_stopped === 1) {
    return [{ kind: 'recording_cancelled', vod: vods.update(id, { ...gone, status: 'cancelled' }) }];
  }
  return [{ kind: 'recording_failed', vod: vods.update(id, { ...gone, status: 'failed', error }) }];
}

/** Is it still being asked for, recorded or written? */
export const isOpen = ({ status }: Pick<VodRecord, 'status'>): boolean =>
  status === 'starting' || status === 'recording' || status === 'uploading';

/** Updates a VOD from the state of its egress. Safe for states that arrive early, late or twice. */
export function applyEgress(db: Db, egress: Egress, owner: VodOwner, at: number): VodChange[] {
  if (applyEncoder(db, egress) || applyLadderEncoder(db, egress)) return [];
  const vods = vodRepository(db);
  // its VOD was deleted
  if (livekitMemory(db).isGone(egress.id)) return [];
  const changes: VodChange[] = [];
  let vod = vods.byEgress(egress.id) ?? claim(db, egress);
  if (vod !== undefined && isUnderWay(moveRepository(db).get(vod.id))) return [];
  const isNew = vod === undefined;
  if (vod === undefined) {
    if (egress.askedFiles.length + egress.askedPlaylists.length + egress.files.length === 0) return [];
    vod = vods.insert(externalVod(db, egress, owner, at));
  }
  vod = begin(db, vod, egress, { at, changes, isNew });
  if (isNew && vod.status === 'starting') changes.push({ kind: 'recording_starting', vod });
  const result = egress.files[0] ?? segmentsFile(egress);
  const isOver = (egress.state === 'complete' || egress.state === 'failed') && vod.status !== 'ready';
  const found = isOver && result !== undefined ? resultPlace(result, egress, wishOf(vod, owner)) : undefined;
  // pictures have no separate address: they are beside the file
  if (found !== undefined && isOpen(vod)) vod = vods.update(vod.id, found.place);
  const images = egress.images[0];
  if (images !== undefined) {
    const isMore = images.count > vod.snapshot_count;
    const isMoved = found !== undefined && vod.snapshot_count > 0;
    // a failed egress counts pictures that it never uploaded; one that uses its backup storage names the place at the end
    const isUploaded = egress.state !== 'failed' && (found !== undefined || !egress.isInBackup);
    if (isMore || isMoved) {
      const prefix = picturePrefix(vod, (found?.prefix ?? '') + images.prefix, owner);
      const listed = Math.max(images.count, vod.snapshot_count);
      vod = keepSnapshots(db, vod, { prefix, count: isUploaded ? listed : vod.snapshot_count, listed }, at);
      if (isMore && isUploaded) changes.push({ kind: 'snapshot_taken', vod });
    }
  }
  const next = advance(db, vod, egress, owner, at);
  if (next !== undefined) changes.push(next);
  return changes;
}

/** From the moment that media is recorded; the row's beginning is the media's. */
function begin(
  db: Db,
  vod: VodRecord,
  egress: Egress,
  { at, changes, isNew }: { at: number; changes: VodChange[]; isNew: boolean },
): VodRecord {
  const { state, mediaStartedAt, isAborted } = egress;
  const hasBegun =
    state === 'recording' ||
    state === 'complete' ||
    mediaStartedAt !== null ||
    (isNew && state === 'failed' && !isAborted);
  if (!hasBegun || vod.status === 'ready') return vod;
  const vods = vodRepository(db);
  const started_at = mediaStartedAt === null ? null : iso(mediaStartedAt);
  if (vod.status === 'starting') {
    const begun = vods.update(vod.id, { status: 'recording', started_at: started_at ?? iso(egress.startedAt ?? at) });
    changes.push({ kind: 'recording_started', vod: begun });
    return begun;
  }
  return started_at === null || started_at === vod.started_at ? vod : vods.update(vod.id, { started_at });
}

/** Pictures in the app's folder are named relative to it; null when they are on another machine. */
function picturePrefix(vod: VodRecord, prefix: string, { appDir }: VodOwner): string | null {
  if (vod.storage_provider === LOCAL_PROVIDER) return localKey(appDir, prefix);
  return vod.storage_provider === ELSEWHERE_PROVIDER && path.isAbsolute(prefix) ? null : prefix;
}

/** LiveKit numbers snapshots from 0, with five digits. */
const snapshotKey = (prefix: string, index: number): string => `${prefix}_${String(index).padStart(5, '0')}.jpeg`;

/**
 * Lists the snapshots in a variant row, so that they are deleted with the VOD.
 * @param listed with those that may not exist; default: `count`
 */
export function keepSnapshots(
  db: Db,
  { id, ...vod }: VodRecord,
  { prefix, count, listed = count }: { prefix: string | null; count: number; listed?: number },
  at: number,
): VodRecord {
  const vods = vodRepository(db);
  const snapshot_key = prefix === null || count === 0 ? null : snapshotKey(prefix, count - 1);
  const changed = vods.update(id, { snapshot_count: count, snapshot_prefix: prefix, snapshot_key });
  if (prefix === null || (vod.storage_bucket === null && vod.storage_provider !== LOCAL_PROVIDER)) return changed;
  const segmentKeys = Array.from({ length: Math.min(listed, 100_000) }, (_, index) => snapshotKey(prefix, index));
  const extra_json = JSON.stringify({ snapshots: true, segmentKeys });
  const known = vods.variants(id).find((variant) => variant.format === SNAPSHOT_FORMAT);
  if (known !== undefined) vods.setExtra(known.id, extra_json);
  else {
    const row = { vod_id: id, kind: 'alternate' as const, format: SNAPSHOT_FORMAT, file_key: null, size_bytes: null };
    vods.addVariant({ ...row, extra_json, created_at: iso(at) });
  }
  return changed;
}

/** The row that waits for this egress. */
function claim(db: Db, egress: Egress): VodRecord | undefined {
  const vods = vodRepository(db);
  for (const file of [...egress.askedFiles, ...egress.askedPlaylists]) {
    const vod = vods.unclaimed(file);
    if (vod !== undefined) return vods.update(vod.id, { egress_id: egress.id });
  }
  return undefined;
}

function advance(db: Db, vod: VodRecord, egress: Egress, owner: VodOwner, at: number): VodChange | undefined {
  const vods = vodRepository(db);
  if (vod.status === 'ready') return undefined;
  switch (egress.state) {
    case 'starting':
    case 'recording':
      return undefined;
    case 'ending':
      if (vod.status !== 'recording') return undefined;
      return { kind: 'recording_uploading', vod: vods.update(vod.id, { status: 'uploading' }) };
    case 'failed':
      return fail(db, vod, egress, owner, { error: egress.error ?? 'it failed', at });
    case 'complete':
      return complete(db, vod, egress, owner, at);
  }
}

/** What was written stays with the row, so that it is deleted with it; segments can still be watched. */
function fail(
  db: Db,
  vod: VodRecord,
  egress: Egress,
  owner: VodOwner,
  { error, at }: { error: string; at: number },
): VodChange | undefined {
  const vods = vodRepository(db);
  if (!isOpen(vod)) return undefined;
  const isCancelled = egress.isAborted && vod.status === 'starting' && (vod.is_stopped === 1 || STOPPED.test(error));
  if (isCancelled) return failVod(db, vods.update(vod.id, { is_stopped: 1 }).id, '', egress.endedAt ?? at)[0];
  const file = egress.files.find(({ bytes, location }) => bytes !== 0 || location !== null);
  const playlist = file === undefined && !egress.isAborted ? playlistAt(vod, egress, owner) : undefined;
  if (playlist !== undefined) {
    const broken = vods.update(vod.id, { ...playlist, status: 'uploading' });
    return { kind: 'recording_broken', vod: broken, reason: error };
  }
  const kept = file === undefined ? begunFile(vod, egress, owner) : fileColumns(file, vod, egress, owner);
  const ended_at = iso(egress.endedAt ?? at);
  return {
    kind: 'recording_failed',
    vod: vods.update(vod.id, { ...kept, status: 'failed', error, ended_at }),
  };
}

/** The part of a file that a recording without a result may have left in a folder. */
function begunFile(vod: VodRecord, egress: Egress, owner: VodOwner): Pick<VodRecord, 'file_key' | 'local_path'> {
  if (vod.status === 'starting') return { file_key: null, local_path: null };
  const [file] = egress.files;
  const { local_path } = file === undefined ? vod : resultPlace(file, egress, wishOf(vod, owner));
  return { file_key: null, local_path };
}

/** Where the playlist of a recording in segments is, or should be; undefined for another, or where nothing can be read. */
function playlistAt(vod: VodRecord, egress: Egress, owner: VodOwner): Partial<VodRecord> | undefined {
  if (vod.format !== 'hls' || vod.status === 'starting' || vod.storage_provider === ELSEWHERE_PROVIDER)
    return undefined;
  if ((vod.file_key ?? vod.local_path) !== null) return {};
  const result = segmentsFile(egress);
  if (result === undefined) return undefined;
  const { file_key, local_path } = resultPlace(result, egress, wishOf(vod, owner));
  return (file_key ?? local_path) === null ? undefined : { file_key, local_path };
}

/** LiveKit's words for a stop before there was anything to record. */
const STOPPED = /^stop called\b/i;

const LIMITED = 'LiveKit ended the recording at one of its own limits (session_limits)';
const IN_BACKUP = 'The storage rejected the file, so LiveKit’s egress service stored it in its backup storage';
const EMPTY = 'the file that LiveKit wrote is empty';
const MISSING = 'LiveKit ended it without a file';

function complete(db: Db, vod: VodRecord, egress: Egress, owner: VodOwner, at: number): VodChange | undefined {
  const vods = vodRepository(db);
  const file = egress.files.find(({ bytes }) => bytes !== 0);
  const playlists = egress.segments.filter(({ bytes, keys }) => bytes !== 0 || keys.length > 0);
  if (file === undefined && playlists.length === 0) {
    const isEmpty = egress.files.length + egress.segments.length > 0;
    const reason = egress.error ?? (isEmpty ? EMPTY : MISSING);
    const error = egress.isLimited ? `${reason}: ${LIMITED}` : reason;
    return fail(db, vod, egress, owner, { error, at });
  }
  for (const segments of playlists) {
    const found = resultPlace({ name: segments.playlist, location: segments.location }, egress, wishOf(vod, owner));
    const under = (key: string): string =>
      found.place.storage_provider === LOCAL_PROVIDER ? (localKey(owner.appDir, key) ?? key) : found.prefix + key;
    const keys = segments.livePlaylist === null ? segments.keys : [...segments.keys, segments.livePlaylist];
    vods.addVariant({
      vod_id: vod.id,
      kind: 'master',
      format: 'hls',
      file_key: found.file_key ?? found.local_path,
      size_bytes: segments.bytes,
      extra_json: JSON.stringify({ segmentKeys: keys.map(under), seconds: segments.seconds }),
      created_at: iso(at),
    });
  }
  const columns = file === undefined ? playlistColumns(egress, vod, owner) : fileColumns(file, vod, egress, owner);
  const moves = moveRepository(db);
  // in the app's folder, and wanted in the storage
  const isMoving = moves.get(vod.id) !== undefined && columns.storage_provider === LOCAL_PROVIDER;
  if (isMoving) moves.set(vod.id, { state: 'moving' });
  else moves.remove(vod.id);
  return {
    kind: isMoving ? 'recording_uploading' : 'recording_finished',
    vod: vods.update(vod.id, {
      ...columns,
      ...(isMoving ? { status: 'uploading' } : FINISHED),
      error: null,
      note: noteOf(egress),
      ended_at: iso(egress.endedAt ?? at),
    }),
  };
}

/** It is ready; receivers learn of it when its length is read. */
export const FINISHED = { status: 'ready', is_untold: 1 } as const satisfies Partial<VodRecord>;

/** Tells receivers that a finished recording is ready. */
export function tellReady(db: Db, id: number): VodChange[] {
  const vods = vodRepository(db);
  if (vods.get(id)?.is_untold !== 1) return [];
  return [{ kind: 'recording_ready', vod: vods.update(id, { is_untold: 0 }) }];
}

function playlistColumns(egress: Egress, vod: VodRecord, owner: VodOwner): Partial<VodRecord> {
  const [first] = egress.segments;
  const found = resultPlace(segmentsFile(egress) as ResultFile, egress, wishOf(vod, owner));
  return {
    size_bytes: first?.bytes ?? null,
    duration_s: first?.seconds ?? null,
    ...found.place,
    format: 'hls',
    // its variants name it
    file_key: null,
    local_path: found.local_path,
    s3_url: found.place.storage_provider === ELSEWHERE_PROVIDER ? found.s3_url : null,
  };
}

function noteOf(egress: Egress): string | null {
  const notes = [...(egress.isLimited ? [LIMITED] : []), ...(egress.isInBackup ? [IN_BACKUP] : [])];
  return notes.length === 0 ? null : `${notes.join('. ')}.`;
}

type ResultFile = Pick<EgressFile, 'name' | 'location'>;

const segmentsFile = ({ segments: [first] }: Egress): ResultFile | undefined =>
  first === undefined ? undefined : { name: first.playlist, location: first.location };

const wishOf = (vod: VodRecord, owner: VodOwner) => ({
  wanted: recordedPlace(vod),
  current: owner.place,
  appDir: owner.appDir,
});

function fileColumns(file: EgressFile, vod: VodRecord, egress: Egress, owner: VodOwner): Partial<VodRecord> {
  const { place, file_key, s3_url, local_path } = resultPlace(file, egress, wishOf(vod, owner));
  const { bytes: size_bytes, seconds: duration_s } = file;
  return { ...place, file_key, s3_url, local_path, size_bytes, duration_s, format: formatOf(file.name) };
}

/** Row of a recording that was not started by StreamHub. */
function externalVod(db: Db, egress: Egress, owner: VodOwner, at: number): NewVod {
  const file =
    egress.files[0]?.name ?? egress.askedFiles[0] ?? egress.segments[0]?.playlist ?? egress.askedPlaylists[0] ?? null;
  const { bucket, participant } = egress;
  const stream =
    participant === null
      ? undefined
      : streamRepository(db)
          .activeIn(egress.room)
          .find((one) => one.participant === participant);
  const place = bucket === null ? LOCAL_PLACE : requestedPlace(bucket, owner.place);
  return {
    app_id: owner.appId,
    stream_id: stream?.stream_id ?? null,
    room: egress.room,
    name: file === null ? egress.id : path.posix.basename(file),
    file_key: null,
    format: file === null ? null : formatOf(file),
    // only the result tells where it is: the egress service can have its own storage
    local_path: null,
    started_at: iso(egress.startedAt ?? at),
    egress_id: egress.id,
    session_id: null,
    part: null,
    identity: participant,
    is_automatic: 0,
    snapshot_prefix: null,
    is_audio_only: 0,
    ...place,
  };
}

function formatOf(name: string): string | null {
  const extension = path.posix.extname(name).slice(1).toLowerCase();
  return /^[a-z0-9]{1,8}$/.test(extension) ? (extension === 'm3u8' ? 'hls' : extension) : null;
}
