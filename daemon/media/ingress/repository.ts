import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import type { Ingress } from '../livekit/ingress.ts';

/** An encoder or source that is live. */
export interface IngressSession {
  ingress_id: string;
  resource_id: string;
  type: Ingress['type'];
  room: string;
  participant: string;
  is_transcoding: 0 | 1;
  /** Milliseconds since 1970, from LiveKit. */
  started_at: number;
  /** Milliseconds since 1970, by our clock. */
  seen_at: number;
  end_reason: string | null;
}

/** SQL of `ingress_sessions` in an app's database. */
export const ingressSessions = prepared((db: Db) => {
  const get = db.prepare<[string], IngressSession>('SELECT * FROM ingress_sessions WHERE ingress_id = ?');
  const all = db.prepare<[], IngressSession>('SELECT * FROM ingress_sessions');
  const count = db.prepare<[], number>('SELECT count(*) FROM ingress_sessions').pluck();
  const typeIn = db
    .prepare<[string, string], IngressSession['type']>(
      'SELECT type FROM ingress_sessions WHERE room = ? AND participant = ? ORDER BY started_at DESC LIMIT 1',
    )
    .pluck();
  const put = db.prepare<[IngressSession]>(
    `INSERT OR REPLACE INTO ingress_sessions
       (ingress_id, resource_id, type, room, participant, is_transcoding, started_at, seen_at, end_reason)
     VALUES (@ingress_id, @resource_id, @type, @room, @participant, @is_transcoding, @started_at, @seen_at, @end_reason)`,
  );
  const remove = db.prepare<[string]>('DELETE FROM ingress_sessions WHERE ingress_id = ?');
  const expect = db.prepare<[string | null, string]>('UPDATE ingress_sessions SET end_reason = ? WHERE ingress_id = ?');
  return {
    get: (id: string) => get.get(id),
    all: () => all.all(),
    count: () => count.get() as number,
    /** Type of the ingest that publishes as this participant. */
    typeIn: (room: string, participant: string) => typeIn.get(room, participant),
    put: (session: IngressSession) => void put.run(session),
    remove: (id: string) => void remove.run(id),
    expectEnd: (id: string, reason: string | null) => void expect.run(reason, id),
  };
});

/** SQL of `ingress_closed`: ingests that the app's config paused, and that it resumes. */
export const closedIngests = prepared((db: Db) => {
  const all = db.prepare<[], string>('SELECT ingress_id FROM ingress_closed').pluck();
  const add = db.prepare<[string]>('INSERT OR IGNORE INTO ingress_closed (ingress_id) VALUES (?)');
  const remove = db.prepare<[string]>('DELETE FROM ingress_closed WHERE ingress_id = ?');
  return {
    all: () => all.all(),
    add: (id: string) => void add.run(id),
    remove: (id: string) => void remove.run(id),
  };
});
