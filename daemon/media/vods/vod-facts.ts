import type { Db } from '#daemon/platform/db/open.ts';
import { iso } from '#shared/instants.ts';
import type { Span } from '../livekit/facts.ts';
import { boundedFacts } from './file-facts.ts';
import { type VodRecord, vodRepository } from './repository.ts';
import type { MediaInspectOutput } from './tasks/media-inspect.ts';
import { failVod, isOpen, keepSnapshots, LEFTOVER_FORMAT, tellReady, type VodChange } from './vod-lifecycle.ts';

/** Takes over what was read from the file itself. */
export function measureVod(db: Db, id: number, { facts, segments }: MediaInspectOutput, at: number): VodChange[] {
  const vods = vodRepository(db);
  const vod = vods.get(id);
  if (vod?.status !== 'ready') return [];
  // mark it as read, although there is nothing to read in it
  const measured_at = iso(at);
  if (facts === undefined) {
    vods.update(id, { measured_at });
    return tellReady(db, id);
  }
  const span = spanOf(vod, Date.parse(vod.ended_at ?? ''));
  vods.update(id, { ...columnsOf(vod, boundedFacts(facts, span, segments?.bytes)), measured_at });
  return [...tellReady(db, id), { kind: 'recording_measured', vod: vods.get(id) as VodRecord }];
}

function columnsOf(vod: VodRecord, facts: ReturnType<typeof boundedFacts>): Partial<VodRecord> {
  return {
    duration_s: facts.seconds ?? vod.duration_s,
    width: facts.width,
    height: facts.height,
    video_codec: facts.videoCodec,
    audio_codec: facts.audioCodec,
    frame_rate: facts.frameRate,
    size_bytes: facts.bytes ?? vod.size_bytes,
  };
}

const spanOf = ({ started_at }: VodRecord, end: number): Span => ({
  startedAt: Date.parse(started_at),
  endedAt: Number.isNaN(end) ? null : end,
});

/** Has it failed while its storage was away, so that what it left is still to be looked at? */
export const isUnrecovered = ({ status, format, file_key, local_path }: VodRecord): boolean =>
  status === 'failed' && format === 'hls' && (file_key ?? local_path) !== null;

/** A recording whose recorder is gone or has failed, after a look at what it left in the storage. */
export function recoverVod(db: Db, id: number, found: MediaInspectOutput, reason: string, at: number): VodChange[] {
  const vods = vodRepository(db);
  let vod = vods.get(id);
  if (vod === undefined || !(isOpen(vod) || isUnrecovered(vod))) return [];
  const { segments, prefix: own } = found;
  if (found.pictures !== null && found.pictures > vod.snapshot_count && vod.snapshot_prefix !== null) {
    vod = keepSnapshots(db, vod, { prefix: own + vod.snapshot_prefix, count: found.pictures }, at);
  }
  if (segments === undefined || found.facts === undefined) {
    const changes = failVod(db, id, reason, at);
    // what can't be looked at now is looked at later, or deleted with the row
    if (found.isAway) vods.update(id, { file_key: vod.file_key === null ? null : own + vod.file_key });
    else if (segments !== undefined) {
      keepLeftovers(db, vod, segments.keys, at);
      vods.update(id, { file_key: null, local_path: null });
    }
    return changes.map((change) => ({ ...change, vod: vods.get(id) as VodRecord }));
  }
  const facts = boundedFacts(found.facts, spanOf(vod, at), segments.bytes);
  vods.addVariant({
    vod_id: id,
    kind: 'master',
    format: 'hls',
    file_key: vod.file_key === null ? vod.local_path : own + vod.file_key,
    size_bytes: facts.bytes,
    extra_json: JSON.stringify({ segmentKeys: segments.keys, seconds: facts.seconds }),
    created_at: iso(at),
  });
  const ended_at = iso(Math.min(at, Date.parse(vod.started_at) + (facts.seconds ?? 0) * 1000));
  const ready = {
    status: 'ready' as const,
    error: null,
    note: `It was cut off (${reason}): the last segments can be missing.`,
    ended_at,
    measured_at: iso(at),
    file_key: null,
  };
  return [{ kind: 'recording_ready', vod: vods.update(id, { ...columnsOf(vod, facts), ...ready }) }];
}

/** Lists what can't be watched in a variant row, so that it is deleted with the VOD. */
function keepLeftovers(db: Db, vod: VodRecord, segmentKeys: readonly string[], at: number): void {
  const row = { vod_id: vod.id, kind: 'alternate' as const, format: LEFTOVER_FORMAT, file_key: null, size_bytes: null };
  vodRepository(db).addVariant({ ...row, extra_json: JSON.stringify({ segmentKeys }), created_at: iso(at) });
}
