import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Person } from '../livekit/event.ts';
import type { MediaStore } from '../media-store.ts';
import { endLife, IN_FLIGHT_MS, type RoomLife, type SessionRecorder, type SessionTransaction } from './recorder.ts';
import { type GapCause, sessionRepository } from './repository.ts';

/** What was stored before LiveKit was asked: later rows are younger than its answer. */
export interface SessionMark {
  /** When LiveKit is asked. */
  asked: number;
  lastStay: number;
  running: ReadonlySet<number>;
  /** Until when nothing was missed; 0 = not known. */
  from: number;
  /** Why something may have been missed since. */
  cause: GapCause | null;
}

/** Makes sessions whole from LiveKit's lists, and notes the stretches in which its events didn't arrive. */
export class SessionSync {
  readonly #recorder: SessionRecorder;
  readonly #databases: AppDatabases;
  readonly #mediaStore: MediaStore;
  /** When the sessions of an app were last compared with LiveKit's lists, by this process. */
  readonly #comparedAt = new Map<string, number>();
  /** Sessions in which someone was found of whom no event told. */
  readonly #news = new Set<string>();
  #wasAway = false;

  readonly #onChange: (app: AppEntry) => void;

  /** onChange: sessions of the app were made whole. */
  constructor(deps: {
    recorder: SessionRecorder;
    databases: AppDatabases;
    mediaStore: MediaStore;
    onChange?(app: AppEntry): void;
  }) {
    this.#onChange = deps.onChange ?? (() => {});
    this.#recorder = deps.recorder;
    this.#databases = deps.databases;
    this.#mediaStore = deps.mediaStore;
  }

  /** LiveKit answers again. */
  returned(): void {
    this.#wasAway = true;
  }

  isRunning(app: string): boolean {
    return sessionRepository(this.#databases.get(app)).isAnyRunning();
  }

  /** Call before LiveKit is asked. */
  mark({ id, name }: Pick<AppEntry, 'id' | 'name'>, asked: number): SessionMark {
    const db = this.#databases.get(name);
    const sql = sessionRepository(db);
    const compared = this.#comparedAt.get(name);
    return {
      asked,
      lastStay: sql.lastStay(),
      running: new Set(sql.running().map((session) => session.id)),
      from: Math.min(asked, compared ?? this.#recorder.knownBefore(db, id)),
      cause: compared === undefined ? 'daemon' : this.#wasAway ? 'livekit' : null,
    };
  }

  /** For an app whose first session was found after LiveKit was asked: nothing of it can be over. */
  markOfNew(asked: number): SessionMark {
    return { asked, lastStay: 0, running: new Set(), from: asked, cause: null };
  }

  /** Takes over the participants of one room. */
  room(tx: SessionTransaction, app: string, room: RoomLife, people: readonly Person[], mark: SessionMark): void {
    const listed = this.#recorder.list(tx, room, people, mark);
    if (listed?.isNews) this.#news.add(`${app} ${listed.session.id}`);
  }

  /**
   * Ends sessions whose rooms are gone, and notes gaps, after a pass over LiveKit's rooms.
   * @param open sid of each open room, by name
   */
  async passed(app: AppEntry, mark: SessionMark, open: ReadonlyMap<string, string>): Promise<void> {
    const { asked, from, cause } = mark;
    const running = sessionRepository(this.#databases.get(app.name)).running();
    if (running.length > 0) {
      let isChanged = false;
      await this.#mediaStore.change(app, (tx) => {
        const sql = sessionRepository(tx.db);
        for (const session of running) {
          const isNews = this.#news.delete(`${app.name} ${session.id}`);
          const told = cause !== null && asked - from > IN_FLIGHT_MS ? cause : isNews ? 'events' : null;
          const begin = Math.max(from, session.started_at);
          const isGap = told !== null && begin < asked;
          const isOver = mark.running.has(session.id) && open.get(session.room) !== session.sid;
          if (isGap) sql.addGap({ session_id: session.id, from_at: begin, to_at: asked, cause: told });
          if (isOver) endLife(tx, session, asked, begin);
          isChanged ||= isGap || isOver;
        }
        sql.listed(asked);
      });
      if (isChanged) this.#onChange(app);
    }
    this.#comparedAt.set(app.name, asked);
  }

  /** A pass over all apps is over. */
  settle(): void {
    this.#wasAway = false;
  }
}
