import path from 'node:path';
import { canonicalUrl } from '#daemon/apps/storage/keys.ts';
import { LOCAL_PLACE, LOCAL_PROVIDER, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { Egress, EgressFile } from '../livekit/egress.ts';
import { livekitMemory } from '../streams/repository.ts';
import { type NewVod, type VodRecord, vodRepository } from './repository.ts';

/** A change of a VOD's row. */
export interface VodChange {
  kind: 'recording_started' | 'recording_uploading' | 'recording_ready' | 'recording_failed' | 'snapshot_taken';
  vod: VodRecord;
}

/** The app that a recording belongs to. */
export interface VodOwner {
  appId: number;
  /** `s3.provider` of the config, recorded when only LiveKit knows the bucket. */
  provider: string;
}

/** Format of the variant that holds a recording's snapshots. */
export const SNAPSHOT_FORMAT = 'jpeg';

const iso = (at: number): string => new Date(at).toISOString();

/** Inserts the row before LiveKit is asked to record. */
export function beginVod(db: Db, vod: NewVod): VodRecord {
  return vodRepository(db).insert(vod);
}

/** LiveKit accepted the request. */
export function acceptVod(db: Db, id: number, egressId: string): VodChange[] {
  const vods = vodRepository(db);
  const vod = vods.get(id);
  // the egress event may arrive before the response
  if (vod === undefined || vod.egress_id !== null) return [];
  return [{ kind: 'recording_started', vod: vods.update(id, { egress_id: egressId }) }];
}

export function failVod(db: Db, id: number, error: string, at: number): VodChange[] {
  const vods = vodRepository(db);
  const vod = vods.get(id);
  if (vod === undefined || vod.status === 'ready' || vod.status === 'failed') return [];
  // no file was written, so there is nothing to delete later
  const change = { status: 'failed' as const, error, ended_at: iso(at), file_key: null, local_path: null };
  return [{ kind: 'recording_failed', vod: vods.update(id, change) }];
}

/** Updates a VOD from the state of its egress. Safe for states that arrive early, late or twice. */
export function applyEgress(db: Db, egress: Egress, owner: VodOwner, at: number): VodChange[] {
  const vods = vodRepository(db);
  // its VOD was deleted
  if (livekitMemory(db).isGone(egress.id)) return [];
  const changes: VodChange[] = [];
  let vod = vods.byEgress(egress.id) ?? claim(db, egress, changes);
  if (vod === undefined) {
    if (egress.askedFiles.length === 0 && !egress.isAskedForSegments && egress.files.length === 0) return [];
    vod = vods.insert(externalVod(egress, owner, at));
    changes.push({ kind: 'recording_started', vod });
  }
  const images = egress.images[0];
  if (images !== undefined && images.count > vod.snapshot_count) {
    const newest = snapshotKey(images.prefix, images.count - 1);
    const change = { snapshot_count: images.count, snapshot_prefix: images.prefix, snapshot_key: newest };
    vod = vods.update(vod.id, change);
    keepSnapshots(db, vod, at);
    changes.push({ kind: 'snapshot_taken', vod });
  }
  const next = advance(db, vod, egress, at);
  if (next !== undefined) changes.push(next);
  return changes;
}

/** LiveKit numbers snapshots from 0, with five digits. */
const snapshotKey = (prefix: string, index: number): string => `${prefix}_${String(index).padStart(5, '0')}.jpeg`;

/** Lists the snapshots in a variant row, so that they are deleted with the VOD. */
function keepSnapshots(db: Db, vod: VodRecord, at: number): void {
  const { snapshot_prefix: prefix, snapshot_count: count } = vod;
  if (prefix === null || (vod.storage_bucket === null && vod.storage_provider !== LOCAL_PROVIDER)) return;
  // for local files LiveKit reports absolute paths; keys start below the app's folder
  const base = vod.storage_bucket === null ? `snapshots/${path.posix.basename(prefix.replaceAll('\\', '/'))}` : prefix;
  const segmentKeys = Array.from({ length: Math.min(count, 100_000) }, (_, index) => snapshotKey(base, index));
  const extra_json = JSON.stringify({ snapshots: true, segmentKeys });
  const vods = vodRepository(db);
  const known = vods.variants(vod.id).find((variant) => variant.format === SNAPSHOT_FORMAT);
  if (known !== undefined) vods.setExtra(known.id, extra_json);
  else {
    const row = {
      vod_id: vod.id,
      kind: 'alternate' as const,
      format: SNAPSHOT_FORMAT,
      file_key: null,
      size_bytes: null,
    };
    vods.addVariant({ ...row, extra_json, created_at: iso(at) });
  }
}

function claim(db: Db, egress: Egress, changes: VodChange[]): VodRecord | undefined {
  const vods = vodRepository(db);
  for (const file of egress.askedFiles) {
    const vod = vods.unclaimed(file);
    if (vod === undefined) continue;
    const claimed = vods.update(vod.id, { egress_id: egress.id });
    if (vod.status === 'recording') changes.push({ kind: 'recording_started', vod: claimed });
    return claimed;
  }
  return undefined;
}

function advance(db: Db, vod: VodRecord, egress: Egress, at: number): VodChange | undefined {
  const vods = vodRepository(db);
  if (vod.status === 'ready') return undefined;
  switch (egress.state) {
    case 'recording':
      return undefined;
    case 'ending':
      if (vod.status !== 'recording') return undefined;
      return { kind: 'recording_uploading', vod: vods.update(vod.id, { status: 'uploading' }) };
    case 'failed': {
      if (vod.status === 'failed') return undefined;
      const file = egress.files.find(({ bytes }) => bytes > 0);
      const kept = file === undefined ? { file_key: null, local_path: null } : fileColumns(file, vod, egress);
      const error = egress.error ?? 'it failed';
      return {
        kind: 'recording_failed',
        vod: vods.update(vod.id, { ...kept, status: 'failed', error, ended_at: iso(egress.endedAt ?? at) }),
      };
    }
    case 'complete':
      return complete(db, vod, egress, at);
  }
}

function complete(db: Db, vod: VodRecord, egress: Egress, at: number): VodChange | undefined {
  const vods = vodRepository(db);
  const file = egress.files[0];
  const ended_at = iso(egress.endedAt ?? at);
  if (file === undefined && egress.segments.length === 0) {
    if (vod.status === 'failed') return undefined;
    const error = egress.error ?? 'LiveKit ended it without a file';
    return {
      kind: 'recording_failed',
      vod: vods.update(vod.id, { status: 'failed', error, ended_at, file_key: null }),
    };
  }
  for (const segments of egress.segments) {
    vods.addVariant({
      vod_id: vod.id,
      kind: 'master',
      format: 'hls',
      file_key: segments.playlist,
      size_bytes: segments.bytes,
      extra_json: JSON.stringify({
        segmentKeys: segments.livePlaylist === null ? segments.keys : [...segments.keys, segments.livePlaylist],
        seconds: segments.seconds,
      }),
      created_at: iso(at),
    });
  }
  const columns =
    file === undefined
      ? {
          size_bytes: egress.segments[0]?.bytes ?? null,
          duration_s: egress.segments[0]?.seconds ?? null,
          format: 'hls',
        }
      : fileColumns(file, vod, egress);
  return {
    kind: 'recording_ready',
    vod: vods.update(vod.id, { ...columns, status: 'ready', error: null, ended_at }),
  };
}

/** A key in a bucket is stored as LiveKit reports it, with the bucket that it was written to. */
function fileColumns(file: EgressFile, vod: VodRecord, egress: Egress): Partial<VodRecord> {
  const common = { size_bytes: file.bytes, duration_s: file.seconds, format: formatOf(file.name) };
  const place = placeIn(vod) ?? egress.bucket;
  if (place === null) return { ...common, local_path: vod.local_path ?? file.name };
  return { ...common, file_key: file.name, s3_url: canonicalUrl(place, file.name) };
}

function placeIn(vod: VodRecord) {
  if (vod.storage_bucket === null) return null;
  return {
    bucket: vod.storage_bucket,
    region: vod.storage_region ?? '',
    endpoint: vod.storage_endpoint ?? '',
    forcePathStyle: vod.storage_force_path_style === 1,
  };
}

/** Row of a recording that was not started by StreamHub. */
function externalVod(egress: Egress, owner: VodOwner, at: number): NewVod {
  const file = egress.files[0]?.name ?? egress.askedFiles[0] ?? egress.segments[0]?.playlist ?? null;
  const { bucket } = egress;
  const place: RecordedPlace =
    bucket === null
      ? LOCAL_PLACE
      : {
          storage_provider: owner.provider,
          storage_bucket: bucket.bucket,
          storage_region: bucket.region,
          storage_endpoint: bucket.endpoint,
          storage_force_path_style: bucket.forcePathStyle ? 1 : 0,
        };
  return {
    app_id: owner.appId,
    stream_id: null,
    room: egress.room,
    name: file === null ? egress.id : path.posix.basename(file),
    file_key: null,
    format: file === null ? null : formatOf(file),
    local_path: bucket === null ? file : null,
    started_at: iso(egress.startedAt ?? at),
    egress_id: egress.id,
    session_id: null,
    part: null,
    identity: egress.participant,
    is_automatic: 0,
    snapshot_prefix: null,
    ...place,
  };
}

function formatOf(name: string): string | null {
  const extension = path.posix.extname(name).slice(1).toLowerCase();
  return /^[a-z0-9]{1,8}$/.test(extension) ? (extension === 'm3u8' ? 'hls' : extension) : null;
}
