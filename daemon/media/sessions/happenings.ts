import { boundedText } from '../livekit/facts.ts';
import type { RowChange } from '../media-store.ts';
import type { IdentityKeeper } from './identities.ts';
import type { SessionTransaction } from './recorder.ts';
import { sessionRepository } from './repository.ts';

const MAX_WORDS = 500;

/** Changes that a session shows as events, and whether they are errors by themselves. */
const SHOWN: Readonly<Partial<Record<RowChange['kind'], boolean>>> = {
  recording_started: false,
  recording_ready: false,
  recording_cancelled: false,
  recording_failed: true,
  hls_started: false,
  hls_ended: false,
  ingress_started: false,
  ingress_ended: false,
};

/** Notes what happened to recordings, live HLS and ingests, for the session in which they began. Call inside a transaction. */
export function noteHappening(tx: SessionTransaction, change: RowChange, identities: IdentityKeeper): void {
  const { db, now, config, owner } = tx;
  const isError = SHOWN[change.kind];
  if (!config.analytics.enabled || isError === undefined) return;
  const sql = sessionRepository(db);
  if ('ingest' in change) {
    const { ingest, at, error, reason } = change;
    const { resource_id, ingress_id, type, room } = ingest;
    const identity = identities.kept(owner.appId, config.analytics.identities, ingest.participant);
    const started_at = 'started_at' in ingest ? Number(ingest.started_at) : at;
    const row = { resource_id: resource_id || ingress_id, ingress_id, type, room, identity, started_at };
    if (change.kind === 'ingress_started') sql.startIngest(row);
    else sql.endIngest({ ...row, ended_at: at, reason, error: error === null ? null : boundedText(error, MAX_WORDS) });
    const about = { ref: `ingest ${row.resource_id}`, room, began_at: started_at };
    sql.addEvent({ ...about, kind: change.kind, at, text: wordsOf(error), is_error: reason === 'error' ? 1 : 0 });
  } else if ('vod' in change) {
    const { id, room, started_at, error, name } = change.vod;
    const about = { ref: `recording ${id}`, room, began_at: Date.parse(started_at) };
    sql.addEvent({ ...about, kind: change.kind, at: now, text: wordsOf(error) ?? name, is_error: isError ? 1 : 0 });
  } else if ('hls' in change) {
    const { stream, hls } = change;
    const about = { ref: `stream ${stream.stream_id}`, room: stream.room, began_at: Date.parse(stream.started_at) };
    sql.addEvent({
      ...about,
      kind: change.kind,
      at: now,
      text: wordsOf(hls.error),
      is_error: hls.state === 'failed' ? 1 : 0,
    });
  }
}

const wordsOf = (text: string | null): string | null => (text === null ? null : boundedText(text, MAX_WORDS));
