import type { Db } from '#daemon/platform/db/open.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { ABORTED, leaveReason } from '#shared/rules/leave-reasons.ts';
import { AGENT_KIND, EGRESS_KIND, type LiveKitEvent, type Person, type Track } from '../livekit/event.ts';
import { boundedText } from '../livekit/facts.ts';
import type { IdentityKeeper } from './identities.ts';
import { type SessionRecord, type StayRecord, sessionRepository, type TrackRecord } from './repository.ts';

const MAX_SID = 64;
/** How long LiveKit tries to send an event; one of an older join is lost. */
export const IN_FLIGHT_MS = 15_000;
/** Tracks of one participant that are stored; a client that publishes on and off for days has no more. */
const MAX_TRACKS = 200;

/** What the recorder needs of a transaction on an app's database. */
export interface SessionTransaction {
  db: Db;
  config: Pick<AppConfig, 'analytics'>;
  owner: { appId: number };
  /** Milliseconds since 1970. */
  now: number;
}

/** A life of a room, as LiveKit names it. */
export interface RoomLife {
  name: string;
  sid: string;
  createdAt: number | null;
}

/** What became known of a stay. */
type StayFacts = Partial<Pick<StayRecord, 'left_at' | 'left_from' | 'reason'>> & {
  person: Person;
  /** When this was known, if LiveKit didn't say when it joined. */
  at: number;
  hasPublished?: boolean;
  isAborted?: boolean;
};

export interface SessionRecorderDeps {
  identities: IdentityKeeper;
  /** The node that a room which begins now was put on; null = not known. */
  nodeOf(room: string): string | null;
  /** A session begins. */
  onBegin?(appId: number, at: number): void;
}

/**
 * Keeps the sessions of an app: from LiveKit's events, in any order and more than once, and from its lists. An exact time replaces
 * one that is only known to be between two instants, never the other way round. Call inside a transaction.
 */
export class SessionRecorder {
  readonly #identities: IdentityKeeper;
  readonly #deps: SessionRecorderDeps;
  readonly #knownBefore = new Map<number, number>();

  constructor(deps: SessionRecorderDeps) {
    this.#deps = deps;
    this.#identities = deps.identities;
  }

  /** Until when an app's sessions were known as this process found them, milliseconds since 1970; 0 = never. */
  knownBefore(db: Db, appId: number): number {
    let known = this.#knownBefore.get(appId);
    if (known === undefined) {
      const { heard_at, listed_at } = sessionRepository(db).watch();
      this.#knownBefore.set(appId, (known = Math.max(heard_at, listed_at)));
    }
    return known;
  }

  /** @param at when it happened, as exactly as can be told */
  event(tx: SessionTransaction, event: LiveKitEvent, at: number): void {
    const { room, person, track } = event;
    if (!tx.config.analytics.enabled || room === null || room.sid === '') return;
    this.knownBefore(tx.db, tx.owner.appId);
    switch (event.name) {
      case 'room_started':
        this.life(tx, room, at, true);
        break;
      case 'room_finished':
        endLife(tx, this.life(tx, room, at), at, null);
        break;
      case 'participant_joined':
        if (person !== null) this.#stay(tx, this.life(tx, room, at), { person, at });
        break;
      case 'participant_left':
      case 'participant_connection_aborted': {
        if (person === null) break;
        const isAborted = event.name === 'participant_connection_aborted';
        const reason = person.reason === 0 && isAborted ? ABORTED : person.reason;
        this.#stay(tx, this.life(tx, room, at), { person, at, left_at: at, left_from: null, reason, isAborted });
        break;
      }
      case 'track_published':
      case 'track_unpublished': {
        if (person === null || track === null) break;
        const stay = this.#stay(tx, this.life(tx, room, at), { person, at, hasPublished: true });
        if (stay !== undefined) putTrack(tx.db, stay, track, at, event.name === 'track_unpublished');
        break;
      }
      default:
        return;
    }
    sessionRepository(tx.db).heard(tx.now);
  }

  /**
   * Makes a session whole from LiveKit's list of its participants.
   * @param asked when LiveKit was asked; `lastStay`: the last stay that was stored before; `from`: until when nothing was missed
   * @returns whether someone had come of whom no event told
   */
  list(
    tx: SessionTransaction,
    room: RoomLife,
    people: readonly Person[],
    { asked, lastStay, from }: { asked: number; lastStay: number; from: number },
  ): { session: SessionRecord; isNews: boolean } | undefined {
    if (!tx.config.analytics.enabled || room.sid === '') return undefined;
    const sql = sessionRepository(tx.db);
    const session = this.life(tx, room, asked);
    if (session.ended_at !== null && session.ended_from === null) return undefined;
    let isNews = false;
    for (const person of people) {
      const before = sql.stay(boundedText(person.sid, MAX_SID));
      if (before?.left_at != null && before.left_from === null) continue;
      isNews ||= before === undefined && (person.joinedAt ?? asked) < asked - IN_FLIGHT_MS;
      const hasPublished = person.published.length > 0;
      const stay = this.#stay(tx, session, { person, at: asked, hasPublished, left_at: null, left_from: null });
      if (stay === undefined) continue;
      for (const track of person.published) putTrack(tx.db, stay, track, asked, false, from);
      if (stay.has_published === 0) continue;
      const published = new Set(person.tracks);
      for (const open of sql.openTracks(stay.id))
        if (!published.has(open.sid) && open.published_at < asked)
          sql.putTrack({ ...open, ended_at: asked, ended_from: Math.max(open.published_at, from) });
    }
    const present = new Set(people.map(({ sid }) => sid));
    for (const stay of sql.openStays(session.id)) {
      if (stay.id > lastStay || present.has(stay.sid)) continue;
      change(tx.db, session, stay, { ...stay, left_at: asked, left_from: Math.max(stay.joined_at, from), reason: 0 });
    }
    return { session, isNews };
  }

  /** The session of a life of a room; makes it, and ends lives of that name that it replaced. */
  life(tx: SessionTransaction, room: RoomLife, at: number, isStart = false): SessionRecord {
    const sql = sessionRepository(tx.db);
    const sid = boundedText(room.sid, MAX_SID);
    const known = sql.bySid(sid);
    const startedAt = room.createdAt ?? at;
    const isKnown = room.createdAt !== null || isStart;
    if (known !== undefined) {
      const isBetter = isKnown
        ? known.is_start_known === 0
        : known.is_start_known === 0 && startedAt < known.started_at;
      if (isBetter) sql.setStart(known.id, startedAt, isKnown);
      return isBetter ? { ...known, started_at: startedAt, is_start_known: isKnown ? 1 : 0 } : known;
    }
    const node = this.#deps.nodeOf(room.name);
    this.#deps.onBegin?.(tx.owner.appId, startedAt);
    const made = sql.insert({ sid, room: room.name, node, started_at: startedAt, is_start_known: isKnown ? 1 : 0 });
    for (const other of sql.runningIn(room.name)) {
      if (other.id === made.id) continue;
      const [older, newer] = other.started_at <= made.started_at ? [other, made] : [made, other];
      const { heard_at, listed_at } = sql.watch();
      const from = Math.min(newer.started_at, Math.max(older.started_at, heard_at, listed_at));
      endLife(tx, older, newer.started_at, from);
    }
    return sql.bySid(sid) as SessionRecord;
  }

  #stay(tx: SessionTransaction, session: SessionRecord, facts: StayFacts): StayRecord | undefined {
    const { person, at } = facts;
    const sid = boundedText(person.sid, MAX_SID);
    if (sid === '') return undefined;
    const sql = sessionRepository(tx.db);
    const { identities: mode } = tx.config.analytics;
    const before = sql.stay(sid);
    const kind = person.kind ?? before?.kind ?? null;
    // events of tracks say neither kind nor whether someone is hidden
    const isHidden = person.kind === null ? before?.is_hidden === 1 : person.isHidden;
    const left = leaving(before, facts);
    const exactJoin = person.joinedAt ?? (facts.isAborted ? at : null);
    const hasPublished = before?.has_published === 1 || facts.hasPublished === true || person.isPublisher;
    const joined =
      exactJoin !== null
        ? { joined_at: exactJoin, joined_from: null }
        : before === undefined || (before.joined_from !== null && at < before.joined_at)
          ? { joined_at: at, joined_from: Math.min(at, session.started_at) }
          : { joined_at: before.joined_at, joined_from: before.joined_from };
    const after: Omit<StayRecord, 'id'> = {
      sid,
      session_id: before?.session_id ?? session.id,
      identity: before?.identity ?? this.#identities.kept(tx.owner.appId, mode, person.identity),
      name: before?.name ?? this.#identities.keptName(mode, person.name),
      kind,
      is_hidden: isHidden ? 1 : 0,
      is_counted: isHidden || kind === EGRESS_KIND || kind === AGENT_KIND ? 0 : 1,
      has_published: hasPublished ? 1 : 0,
      ...joined,
      ...left,
      client: before?.client ?? null,
      region: person.region || (before?.region ?? null),
    };
    return change(tx.db, session, before, after);
  }
}

/** An exact end stays; one that is only known to be between two instants gives way, also to a list that has the participant. */
function leaving(
  before: StayRecord | undefined,
  facts: StayFacts,
): Pick<StayRecord, 'left_at' | 'left_from' | 'reason'> {
  const isExact = before?.left_at != null && before.left_from === null;
  if (before !== undefined && (isExact || facts.left_at === undefined)) {
    const { left_at, left_from, reason } = before;
    return { left_at, left_from, reason };
  }
  return { left_at: facts.left_at ?? null, left_from: facts.left_from ?? null, reason: facts.reason ?? 0 };
}

/** What a stay adds to the sums of its session: the time that is known, where nobody told when it left. */
function share(stay: Omit<StayRecord, 'id'> | undefined) {
  if (stay === undefined || stay.is_counted === 0)
    return { stays: 0, present: 0, closed_ms: 0, joined_sum: 0, errors: 0, isPublishing: false };
  const isOpen = stay.left_at === null;
  return {
    stays: 1,
    present: isOpen ? 1 : 0,
    closed_ms: isOpen ? 0 : Math.max(0, (stay.left_from ?? (stay.left_at as number)) - stay.joined_at),
    joined_sum: isOpen ? stay.joined_at : 0,
    errors: leaveReason(stay.reason).isFault ? 1 : 0,
    isPublishing: stay.has_published === 1,
  };
}

/** Writes a stay, and what it changes in the sums of its session: so the sums are the same for every order of events. */
function change(
  db: Db,
  session: SessionRecord,
  before: StayRecord | undefined,
  wanted: Omit<StayRecord, 'id'>,
): StayRecord {
  const sql = sessionRepository(db);
  const left_at = wanted.left_at === null ? null : Math.max(wanted.left_at, wanted.joined_at);
  const next = { ...wanted, left_at };
  if (before !== undefined && isSame(before, next)) return before;
  let after: StayRecord;
  if (before === undefined) after = sql.insertStay(next);
  else sql.updateStay((after = { ...next, id: before.id }));
  const [was, is] = [share(before), share(after)];
  const people = is.stays - was.stays;
  const publishing = Number(is.isPublishing) - Number(was.isPublishing);
  const others =
    (people === 0 && publishing === 0) || after.identity === null
      ? { isCounted: false, isPublishing: false }
      : sql.others(after.identity, after.session_id, after.id);
  const sums = {
    stays: people,
    participants: others.isCounted ? 0 : people,
    publishers: others.isPublishing ? 0 : publishing,
    present: is.present - was.present,
    closed_ms: is.closed_ms - was.closed_ms,
    joined_sum: is.joined_sum - was.joined_sum,
    errors: is.errors - was.errors,
  };
  if (Object.values(sums).some((by) => by !== 0)) sql.addSums({ id: after.session_id ?? session.id, ...sums });
  return after;
}

const isSame = (before: StayRecord, after: Omit<StayRecord, 'id'>): boolean =>
  (Object.keys(after) as (keyof typeof after)[]).every((key) => before[key] === after[key]);

/** The room of this session is over. @param from null = the end is known exactly */
export function endLife({ db }: { db: Db }, session: SessionRecord, at: number, from: number | null): void {
  const isExact = session.ended_at !== null && session.ended_from === null;
  if (isExact || (session.ended_at !== null && from !== null)) return;
  sessionRepository(db).setEnd(session.id, at, from);
}

function putTrack(db: Db, stay: StayRecord, track: Track, at: number, isEnd: boolean, listedFrom?: number): void {
  const sql = sessionRepository(db);
  const sid = boundedText(track.sid, MAX_SID);
  const before = sql.track(sid);
  if (before === undefined && (sid === '' || sql.countTracks(stay.id) >= MAX_TRACKS)) return;
  const size = { codec: track.codec, width: track.size?.width ?? null, height: track.size?.height ?? null };
  const known = before ?? size;
  // the first news of a track can be its end, or a list that it is in
  const isStartKnown = !isEnd && listedFrom === undefined;
  const start =
    before !== undefined && (before.published_from === null || !isStartKnown)
      ? { published_at: before.published_at, published_from: before.published_from }
      : {
          published_at: at,
          published_from: isStartKnown ? null : Math.min(at, Math.max(stay.joined_at, listedFrom ?? 0)),
        };
  const isEnded = before?.ended_at != null && before.ended_from === null;
  const end =
    isEnd && !isEnded
      ? { ended_at: at, ended_from: null }
      : { ended_at: before?.ended_at ?? null, ended_from: before?.ended_from ?? null };
  if (listedFrom !== undefined && before?.ended_from != null) Object.assign(end, { ended_at: null, ended_from: null });
  const [told, other] = isStartKnown || before === undefined ? [size, known] : [known, size];
  const after: Omit<TrackRecord, 'id'> = {
    sid,
    stay_id: stay.id,
    kind: track.type,
    source: track.source,
    codec: told.codec || other.codec,
    width: told.width ?? other.width,
    height: told.height ?? other.height,
    ...start,
    ...end,
  };
  if (after.ended_at !== null) after.published_at = Math.min(after.published_at, after.ended_at);
  sql.putTrack(after);
}
