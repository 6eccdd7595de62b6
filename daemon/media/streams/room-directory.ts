import { AGENT_KIND, EGRESS_KIND, INGRESS_KIND, type Person } from '../livekit/event.ts';
import { HlsAudience } from './hls-audience.ts';

export interface RoomCounts {
  /** Participants of LiveKit's room. */
  participants: number;
  publishers: number;
  /** Participants who only watch, and pages that play its live HLS. */
  viewers: number;
}

interface Someone {
  kind: number;
  isHidden: boolean;
  tracks: Set<string>;
}

interface LiveRoom {
  sid: string;
  people: Map<string, Someone>;
  /** People who left, so that a late event doesn't bring them back. */
  gone: Set<string>;
  /** When LiveKit was asked for the list that was taken over last, milliseconds since 1970; 0 = never. */
  listedAt: number;
  /** Null = to be counted again. */
  counts: RoomCounts | null;
}

const MAX_GONE = 10_000;

export const NOBODY: RoomCounts = { participants: 0, publishers: 0, viewers: 0 };

/** Who is in which room right now, in memory: updated by LiveKit's events, corrected from its own lists. */
export class RoomDirectory {
  readonly #rooms = new Map<string, LiveRoom>();
  readonly #touched = new Set<string>();
  readonly #audience = new HlsAudience();
  /** Sids of rooms that are over. */
  readonly #over = new Set<string>();
  #changes = 0;
  #onTouch: () => void = () => undefined;

  /** Grows with every event: a list of LiveKit's that was under way in the meantime may be older than what is known here. */
  get changes(): number {
    return this.#changes;
  }

  /** Calls the listener when something may have changed in a room. */
  onTouch(listener: () => void): void {
    this.#onTouch = listener;
  }

  /** Staff changed something that LiveKit sends no event of. */
  touch(room: string): void {
    this.#touch(room);
  }

  /** Rooms in which something may have changed since they were taken last, except those that aren't due yet. */
  takeTouched(isDue: (room: string) => boolean = () => true): string[] {
    const due = [...this.#touched].filter(isDue);
    for (const room of due) this.#touched.delete(room);
    return due;
  }

  /** Names of all open rooms. */
  names(): IterableIterator<string> {
    return this.#rooms.keys();
  }

  /** Names of the rooms that someone publishes in. */
  liveNames(): string[] {
    return [...this.#rooms.keys()].filter((name) => this.counts(name).publishers > 0);
  }

  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  counts(name: string): RoomCounts {
    const room = this.#rooms.get(name);
    return room === undefined ? NOBODY : (room.counts ??= this.#count(name, room));
  }

  /** Pages that play the room's live HLS. They are not participants. */
  hlsViewers(room: string): number {
    return this.#rooms.has(room) ? this.#audience.count(room) : 0;
  }

  /** A page says that it plays the live HLS of an open room, or no longer does. @param now monotonic milliseconds */
  hlsViewer(room: string, viewer: string, { isGone, now }: { isGone: boolean; now: number }): void {
    if (isGone) this.#recount(this.#audience.leave(room, viewer) ? [room] : []);
    else if (this.#rooms.has(room)) this.#recount(this.#audience.see(room, viewer, now));
  }

  /** Forgets pages that were closed without a word. */
  forgetSilentViewers(now: number): void {
    this.#recount(this.#audience.forgetSilent(now));
  }

  /** What LiveKit's own counts of the room should be, if nothing was missed. */
  expected(room: string): { participants: number; publishers: number } {
    const people = this.#rooms.get(room)?.people;
    if (people === undefined) return { participants: 0, publishers: 0 };
    let publishers = 0;
    for (const person of people.values()) if (person.tracks.size > 0) publishers += 1;
    return { participants: people.size, publishers };
  }

  /** Kind of a participant, where known. */
  kindOf(room: string, sid: string): number | undefined {
    return this.#rooms.get(room)?.people.get(sid)?.kind;
  }

  hasLeft(room: string, sid: string): boolean {
    return this.#rooms.get(room)?.gone.has(sid) ?? false;
  }

  opened(name: string, sid: string): void {
    this.#room(name, sid);
  }

  finished(name: string, sid: string): void {
    remember(this.#over, sid);
    const room = this.#rooms.get(name);
    // a younger room of that name is another one
    if (room === undefined || (sid !== '' && room.sid !== '' && room.sid !== sid)) return;
    this.#rooms.delete(name);
    this.#touch(name);
  }

  /** @param at when LiveKit says that it happened; 0 = it does not say */
  joined({ name, sid }: { name: string; sid: string }, person: Person, at = 0): void {
    const { people, gone, listedAt } = this.#room(name, sid);
    const known = people.get(person.sid);
    if (gone.has(person.sid) || (known === undefined && isBefore(at, listedAt))) return;
    people.set(person.sid, someone(person, known));
  }

  left(name: string, sid: string): void {
    this.#touch(name);
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    room.people.delete(sid);
    remember(room.gone, sid);
  }

  published(room: { name: string; sid: string }, person: Person, track: string, at = 0): void {
    this.#touch(room.name);
    const known = this.#rooms.get(room.name)?.people.get(person.sid);
    if (known === undefined) this.joined(room, { ...person, tracks: [track] }, at);
    else known.tracks.add(track);
  }

  unpublished(name: string, sid: string, track: string): void {
    this.#touch(name);
    this.#rooms.get(name)?.people.get(sid)?.tracks.delete(track);
  }

  /** Takes over what LiveKit says of a room, asked at the given time. */
  sync(name: string, sid: string, people: readonly Person[], askedAt: number): void {
    const known = this.#rooms.get(name);
    this.#rooms.set(name, {
      sid,
      gone: known?.sid === sid ? known.gone : new Set(),
      people: new Map(people.map((person) => [person.sid, someone(person)])),
      listedAt: askedAt,
      counts: null,
    });
    this.#recount([name]);
  }

  forget(name: string): void {
    this.#rooms.delete(name);
    this.#recount([name]);
  }

  #count(name: string, { people }: LiveRoom): RoomCounts {
    const counts = countPeople(people);
    return { ...counts, viewers: counts.viewers + this.#audience.count(name) };
  }

  #recount(rooms: readonly string[]): void {
    for (const name of rooms) {
      this.#touched.add(name);
      const room = this.#rooms.get(name);
      if (room !== undefined) room.counts = null;
    }
    if (rooms.length > 0) this.#onTouch();
  }

  #room(name: string, sid: string): LiveRoom {
    const known = this.#rooms.get(name);
    const isSame = known !== undefined && (sid === '' || known.sid === '' || known.sid === sid);
    if (isSame) {
      this.#touch(name);
      return known;
    }
    const room: LiveRoom = { sid, people: new Map(), gone: new Set(), listedAt: 0, counts: null };
    // ignore late news of a room that is over
    if (this.#over.has(sid)) return room;
    if (known !== undefined) remember(this.#over, known.sid);
    this.#rooms.set(name, room);
    this.#touch(name);
    return room;
  }

  #touch(name: string): void {
    this.#changes += 1;
    this.#recount([name]);
  }
}

/** The oldest is forgotten first: a late event is a matter of seconds. */
function remember(set: Set<string>, sid: string): void {
  if (sid === '') return;
  if (set.size >= MAX_GONE) set.delete(set.values().next().value as string);
  set.add(sid);
}

/** LiveKit's times are whole seconds: did it happen before the list was asked for, so that the list knows better? */
const isBefore = (at: number, listedAt: number): boolean => at > 0 && at + 1000 <= listedAt;

function someone(person: Person, known?: Someone): Someone {
  return {
    kind: person.kind ?? known?.kind ?? 0,
    isHidden: person.isHidden,
    tracks: new Set([...(known?.tracks ?? []), ...person.tracks]),
  };
}

function countPeople(people: LiveRoom['people']): RoomCounts {
  let publishers = 0;
  let viewers = 0;
  for (const person of people.values()) {
    if (person.tracks.size > 0 && person.kind !== EGRESS_KIND) publishers += 1;
    else if (isViewer(person)) viewers += 1;
  }
  return { participants: publishers + viewers, publishers, viewers };
}

const isViewer = ({ kind, isHidden }: Someone): boolean =>
  !isHidden && kind !== EGRESS_KIND && kind !== INGRESS_KIND && kind !== AGENT_KIND;
