import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { boundedCache } from '#daemon/platform/bounded-cache.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { type VisibleApps, visibleApps } from '#shared/access.ts';
import { ApiError } from '#shared/errors.ts';
import { iso, readPeriod } from '#shared/instants.ts';
import {
  type AllSessions,
  type AllSessionsQuery,
  FIGURE_DAYS,
  type PersonQuery,
  type PersonStay,
  type SessionDetail,
  type SessionExportQuery,
  type SessionFigures,
  type SessionFilters,
  type SessionQuery,
  type SessionRow,
  type SessionStaysQuery,
} from '#shared/schema/sessions.ts';
import { exportText } from './export.ts';
import type { IdentityKeeper } from './identities.ts';
import type { SessionKeeper } from './keeper.ts';
import { type FigureRow, type RunningRow, type SessionFilter, sessionReading } from './reading.ts';
import { sessionRow, stayRow, trackRow } from './rows.ts';

const DAY_MS = 86_400_000;
const FIGURES_FRESH_MS = 30_000;
const MAX_APPS = 50;
const MAX_ROOMS = 20;

interface KnownApp {
  readonly id: number;
  readonly name: string;
}

export interface SessionServiceDeps {
  databases: AppDatabases;
  apps: { require(name: string): KnownApp; visible(apps: VisibleApps): readonly KnownApp[] };
  identities: IdentityKeeper;
  keeper: SessionKeeper;
  clock: Clock;
}

/** The history of an app's rooms. */
export class SessionService {
  readonly #deps: SessionServiceDeps;
  /** Figures of an app as they were a moment ago. */
  readonly #figures = boundedCache<number, { at: number; of: AppFigures }>(1000);

  constructor(deps: SessionServiceDeps) {
    this.#deps = deps;
  }

  list(name: string, { limit = 100, offset = 0, ...query }: SessionQuery) {
    const app = this.#deps.apps.require(name);
    const { rows, total } = this.#reading(name).page(this.#filter(app, query), { limit, offset });
    return { data: rows.map((row) => sessionRow(name, row)), total, limit, offset };
  }

  /** Sessions of all apps that the caller may see, newest first. Apps whose newest session is older than the page aren't read. */
  async listAll(query: AllSessionsQuery, principal: Principal): Promise<AllSessions> {
    const { app: only, limit = 100, offset = 0, ...filters } = query;
    const { apps, keeper } = this.#deps;
    // a wrong text is refused also where no app has sessions
    readPeriod(filters);
    await keeper.known();
    const wanted = offset + limit + 1;
    const candidates = apps
      .visible(visibleApps(principal))
      .filter(({ id, name }) => keeper.newestOf(id) !== undefined && (!only || name === only))
      .sort((a, b) => (keeper.newestOf(b.id) ?? 0) - (keeper.newestOf(a.id) ?? 0));
    let found: { at: number; row: SessionRow }[] = [];
    let isCut = false;
    for (const app of candidates) {
      const last = found[wanted - 1];
      if (last !== undefined && (keeper.newestOf(app.id) ?? 0) < last.at) break;
      try {
        const { rows } = this.#reading(app.name).rows(this.#filter(app, filters), wanted);
        found.push(...rows.map((row) => ({ at: row.started_at, row: sessionRow(app.name, row) })));
      } catch (error) {
        if (only) throw error;
        // the app’s own pages say what is wrong with its database
        isCut = true;
      }
      found = found.sort((a, b) => b.at - a.at || b.row.id - a.row.id).slice(0, wanted);
      await nextTurn();
    }
    const data = found.slice(offset, offset + limit).map(({ row }) => row);
    return { data, more: isCut || found.length > offset + limit, limit, offset };
  }

  /** @throws ApiError SESSION_UNKNOWN */
  get(name: string, id: string, { q, faults, limit = 500, offset = 0 }: SessionStaysQuery): SessionDetail {
    this.#deps.apps.require(name);
    const sql = this.#reading(name);
    const session = sql.find(id);
    if (session === undefined) throw new ApiError('SESSION_UNKNOWN', { id });
    const { rows, total } = sql.stays(session.id, { q, faults: faults === true }, { limit, offset });
    const tracks = Map.groupBy(
      sql.tracksOf(rows.filter((stay) => stay.has_published).map((stay) => stay.id)),
      (track) => track.stay_id,
    );
    return {
      ...sessionRow(name, session),
      recordings: sql.recordings(session).map(({ started_at, ended_at, duration_s, ...vod }) => ({
        ...vod,
        startedAt: started_at,
        endedAt: ended_at,
        durationS: duration_s,
      })),
      ingests: sql.ingests(session).map((ingest) => ({
        ingressId: ingest.ingress_id,
        resourceId: ingest.resource_id,
        type: ingest.type,
        identity: ingest.identity,
        startedAt: iso(ingest.started_at),
        endedAt: ingest.ended_at === null ? null : iso(ingest.ended_at),
        reason: ingest.reason,
        error: ingest.error,
      })),
      events: sql.events(session).map(({ at, kind, ref, text, is_error }) => ({
        at: iso(at),
        kind,
        about: ref,
        text,
        isError: is_error === 1,
      })),
      gaps: sql.gaps(session).map(({ from_at, to_at, cause }) => ({ from: iso(from_at), to: iso(to_at), cause })),
      stays: {
        data: rows.map((stay) => ({
          ...stayRow(stay, session),
          tracks: (tracks.get(stay.id) ?? [])
            .map((track) => trackRow(track, stay, session))
            .sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1)),
        })),
        total,
        limit,
        offset,
      },
    };
  }

  /** The connections of one person, newest session first. */
  person(name: string, { identity, limit = 100, offset = 0 }: PersonQuery) {
    const app = this.#deps.apps.require(name);
    const sql = this.#reading(name);
    const { rows, total } = sql.person(this.#kept(app, identity), { limit, offset });
    const sessions = new Map(sql.byIds(rows.map((stay) => stay.session_id)).map((session) => [session.id, session]));
    const data = rows.flatMap((stay): PersonStay[] => {
      const session = sessions.get(stay.session_id);
      return session === undefined ? [] : [{ ...stayRow(stay, session), session: sessionRow(name, session) }];
    });
    return { data, total, limit, offset };
  }

  /** The rows of a list as a text that is made while it is read. */
  export(name: string, { format = 'csv', of = 'sessions', ...query }: SessionExportQuery): Readable {
    const app = this.#deps.apps.require(name);
    const filter = this.#filter(app, query);
    return Readable.from(exportText({ format, of, app: name, filter, read: () => this.#reading(name) }));
  }

  async figures(name: string): Promise<SessionFigures> {
    return sum([await this.#figuresOf(this.#deps.apps.require(name))]);
  }

  async allFigures(principal: Principal): Promise<SessionFigures> {
    const { apps, keeper, clock } = this.#deps;
    await keeper.known();
    const since = firstDay(clock.now()) * DAY_MS;
    const all: AppFigures[] = [];
    for (const app of apps.visible(visibleApps(principal))) {
      if ((keeper.newestOf(app.id) ?? 0) < since) continue;
      try {
        all.push(await this.#figuresOf(app));
      } catch {
        // the app’s own pages say what is wrong with its database
      }
    }
    return sum(all, firstDay(clock.now()));
  }

  async #figuresOf(app: KnownApp): Promise<AppFigures> {
    const now = this.#deps.clock.now();
    const known = this.#figures.get(app.id);
    if (known !== undefined && Math.abs(now - known.at) < FIGURES_FRESH_MS && known.of.app === app.name)
      return known.of;
    const first = firstDay(now);
    const running = this.#reading(app.name).running();
    const of: AppFigures = { app: app.name, first, days: [], rooms: new Map(), running };
    for (let day = first; day < first + FIGURE_DAYS; day += 1) {
      const sql = this.#reading(app.name);
      const span = [day * DAY_MS, (day + 1) * DAY_MS] as const;
      of.days.push(sql.figures(...span));
      for (const row of sql.roomFigures(...span)) of.rooms.set(row.room, plus(of.rooms.get(row.room), row));
      await nextTurn();
    }
    this.#figures.set(app.id, { at: now, of });
    return of;
  }

  /** What rows can have for an identity: they may be from before the config was changed. */
  #kept(app: KnownApp, identity: string): string[] {
    return [identity, this.#deps.identities.hashOf(app.id, identity)];
  }

  #filter(app: KnownApp, query: SessionFilters): SessionFilter {
    const { room, identity, q, errors, running, ...period } = query;
    return {
      room: room || undefined,
      identities: identity ? this.#kept(app, identity) : undefined,
      q: q || undefined,
      errors: errors === true,
      running: running === true,
      ...readPeriod(period),
    };
  }

  #reading(name: string) {
    return sessionReading(this.#deps.databases.get(name));
  }
}

interface AppFigures {
  app: string;
  first: number;
  days: FigureRow[];
  rooms: Map<string, FigureRow>;
  running: RunningRow;
}

const NOTHING: FigureRow = { sessions: 0, participants: 0, participant_ms: 0, peak: 0, errors: 0 };
const firstDay = (now: number): number => Math.floor(now / DAY_MS) - FIGURE_DAYS + 1;
const plus = (a: FigureRow = NOTHING, b: FigureRow = NOTHING): FigureRow => ({
  sessions: a.sessions + b.sessions,
  participants: a.participants + b.participants,
  participant_ms: a.participant_ms + b.participant_ms,
  peak: Math.max(a.peak, b.peak),
  errors: a.errors + b.errors,
});

const told = ({ sessions, participants, participant_ms, peak, errors }: FigureRow) => ({
  sessions,
  participants,
  participantMinutes: Math.round(participant_ms / 6000) / 10,
  peak,
  errors,
});

const mostFirst = <T extends { participantMinutes: number }>(rows: T[], most: number): T[] =>
  rows.sort((a, b) => b.participantMinutes - a.participantMinutes).slice(0, most);

function sum(all: readonly AppFigures[], first = all[0]?.first ?? 0): SessionFigures {
  const days = Array.from({ length: FIGURE_DAYS }, (_, n) =>
    all.map(({ days }) => days[n]).reduce<FigureRow>(plus, NOTHING),
  );
  const ofApps = all.map(({ app, days: own }) => ({ app, ...told(own.reduce(plus, NOTHING)) }));
  const ofRooms = all.flatMap(({ app, rooms }) => [...rooms].map(([room, row]) => ({ app, room, ...told(row) })));
  return {
    days: days.map((row, n) => ({ day: iso((first + n) * DAY_MS).slice(0, 10), ...told(row) })),
    apps: mostFirst(ofApps, MAX_APPS),
    rooms: mostFirst(ofRooms, MAX_ROOMS),
    total: told(days.reduce(plus, NOTHING)),
    running: all.reduce(
      (sum, { running }) => ({
        sessions: sum.sessions + running.sessions,
        participants: sum.participants + running.participants,
      }),
      { sessions: 0, participants: 0 },
    ),
  };
}
