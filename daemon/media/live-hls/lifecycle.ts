import type { Db } from '#daemon/platform/db/open.ts';
import { iso } from '#shared/instants.ts';
import type { Egress } from '../livekit/egress.ts';
import { encoderAfter } from '../livekit/encoder-state.ts';
import { type StreamRecord, streamRepository } from '../streams/repository.ts';
import { rungNames, VARIANT } from './playlists.ts';
import { type EncoderRecord, type HlsRecord, hlsRepository, isOpen, planOf } from './repository.ts';

/** A change of a stream's live HLS. */
export interface HlsChange {
  kind: 'hls_started' | 'hls_ended';
  stream: StreamRecord;
  hls: HlsRecord;
}

/** Names below a run's folder, of one encoder. */
export interface EncoderNames {
  /** Of its segments, relative to the quality's folder. */
  prefix: string;
  folder: string;
  /** What it writes: all segments, and the newest five. */
  whole: string;
  recent: string;
}

/**
 * Where an encoder writes. The first one writes the playlist that viewers have; where another list is asked for, or the
 * encoder follows a lost one, the daemon writes that, and the encoder's own has another name.
 */
export function namesOf(hls: HlsRecord, { rung, attempt }: Pick<EncoderRecord, 'rung' | 'attempt'>): EncoderNames {
  const plan = planOf(hls);
  const folder = `${hls.folder}/${rungNames(plan.rungs)[rung]}`;
  const isOwn = isWrittenHere(hls, attempt);
  return {
    folder,
    prefix: `s${attempt}`,
    whole: `${folder}/index-${attempt}.m3u8`,
    recent: isOwn ? `${folder}/recent-${attempt}.m3u8` : `${folder}/${VARIANT}`,
  };
}

/** Does the daemon write the playlist that viewers have? */
export const isWrittenHere = (hls: HlsRecord, attempt: number): boolean => planOf(hls).ownPlaylist || attempt > 1;

/** Live HLS can be watched from now on. */
export function startHls(db: Db, id: number, at: number): HlsChange[] {
  const runs = hlsRepository(db);
  if (runs.get(id)?.state !== 'starting') return [];
  return change(db, 'hls_started', runs.update(id, { state: 'live', live_at: iso(at), error: null }));
}

/** @param error why it failed; null = it ended as it should */
export function endHls(db: Db, id: number, error: string | null, at: number): HlsChange[] {
  const runs = hlsRepository(db);
  const hls = runs.get(id);
  if (hls === undefined || !isOpen(hls)) return [];
  const state = error === null ? 'ended' : 'failed';
  const ended = runs.update(id, { state, ended_at: iso(at), ...(error === null ? {} : { error }) });
  return hls.state === 'live' ? change(db, 'hls_ended', ended) : [];
}

function change(db: Db, kind: HlsChange['kind'], hls: HlsRecord): HlsChange[] {
  const stream = streamRepository(db).find(hls.stream_id);
  return stream === undefined ? [] : [{ kind, stream, hls }];
}

/** Takes in the state of a live HLS encoder. @returns whether the egress is one */
export function applyEncoder(db: Db, egress: Egress): boolean {
  const runs = hlsRepository(db);
  const encoder = runs.encoderByEgress(egress.id) ?? claim(db, egress);
  if (encoder !== undefined) runs.updateEncoder(encoder.id, encoderAfter(encoder, egress));
  return encoder !== undefined;
}

/** Its event may come before LiveKit's answer: the playlist that was asked for says which order it is. */
function claim(db: Db, { askedPlaylists }: Egress): EncoderRecord | undefined {
  for (const playlist of askedPlaylists) {
    const found = /^\/?(.+)\/([^/]+)\/index-(\d+)\.m3u8$/.exec(playlist);
    if (found === null) continue;
    const [, folder = '', name = '', attempt] = found;
    const runs = hlsRepository(db);
    // a path of the egress service's machine ends with the folder
    const hls = runs.byFolder(folder) ?? runs.left().find((run) => folder.endsWith(`/${run.folder}`));
    const rung = hls === undefined ? -1 : rungNames(planOf(hls).rungs).indexOf(name);
    if (hls !== undefined && rung !== -1) return runs.encoderByName(hls.id, rung, Number(attempt));
  }
  return undefined;
}
