import { AGENT_KIND, EGRESS_KIND, INGRESS_KIND, type Person } from '../livekit/event.ts';

export interface RoomCounts {
  participants: number;
  publishers: number;
  viewers: number;
}

interface Someone {
  identity: string;
  kind: number;
  isHidden: boolean;
  tracks: Set<string>;
}

interface LiveRoom {
  sid: string;
  people: Map<string, Someone>;
  /** Who has left, so that a late event does not bring them back. */
  gone: Set<string>;
}

const NOBODY: RoomCounts = { participants: 0, publishers: 0, viewers: 0 };

/** Who is in which room right now, in memory: kept by LiveKit's events, put right by its own lists. */
export class RoomDirectory {
  readonly #rooms = new Map<string, LiveRoom>();
  #changes = 0;
  #lists = 0;

  /** Differs whenever anything here may have changed. */
  get version(): number {
    return this.#changes + this.#lists;
  }

  /** Grows with every event: a list of LiveKit's that was under way meanwhile may be older than what is known here. */
  get changes(): number {
    return this.#changes;
  }

  /** Names of all open rooms. */
  names(): IterableIterator<string> {
    return this.#rooms.keys();
  }

  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  counts(room: string): RoomCounts {
    const people = this.#rooms.get(room)?.people;
    if (people === undefined) return NOBODY;
    let publishers = 0;
    let viewers = 0;
    for (const person of people.values()) {
      if (person.tracks.size > 0 && person.kind !== EGRESS_KIND) publishers += 1;
      else if (isViewer(person)) viewers += 1;
    }
    return { participants: publishers + viewers, publishers, viewers };
  }

  /** What LiveKit's own counts of the room should be, if nothing was missed. */
  expected(room: string): { participants: number; publishers: number } {
    const people = this.#rooms.get(room)?.people;
    if (people === undefined) return { participants: 0, publishers: 0 };
    const seen = [...people.values()];
    return { participants: seen.length, publishers: seen.filter((person) => person.tracks.size > 0).length };
  }

  /** Kind of a participant, where known. */
  kindOf(room: string, sid: string): number | undefined {
    return this.#rooms.get(room)?.people.get(sid)?.kind;
  }

  hasLeft(room: string, sid: string): boolean {
    return this.#rooms.get(room)?.gone.has(sid) ?? false;
  }

  /** @returns true when something changed */
  opened(room: string, sid: string): boolean {
    this.#changes += 1;
    const known = this.#rooms.get(room);
    if (known !== undefined && (sid === '' || known.sid === sid)) return false;
    this.#rooms.set(room, { sid, people: new Map(), gone: new Set() });
    return true;
  }

  finished(room: string, sid: string): boolean {
    this.#changes += 1;
    const known = this.#rooms.get(room);
    // a younger room of that name is another one
    if (known === undefined || (sid !== '' && known.sid !== '' && known.sid !== sid)) return false;
    return this.#rooms.delete(room);
  }

  joined(room: { name: string; sid: string }, person: Person): void {
    this.#changes += 1;
    this.opened(room.name, room.sid);
    const { people, gone } = this.#rooms.get(room.name) as LiveRoom;
    if (gone.has(person.sid)) return;
    const known = people.get(person.sid);
    people.set(person.sid, {
      identity: person.identity,
      kind: person.kind ?? known?.kind ?? 0,
      isHidden: person.isHidden,
      tracks: new Set([...(known?.tracks ?? []), ...person.tracks]),
    });
  }

  left(room: string, sid: string): void {
    this.#changes += 1;
    const known = this.#rooms.get(room);
    known?.people.delete(sid);
    known?.gone.add(sid);
  }

  published(room: { name: string; sid: string }, person: Person, track: string): void {
    this.#changes += 1;
    const known = this.#rooms.get(room.name)?.people.get(person.sid);
    if (known === undefined) this.joined(room, { ...person, tracks: [track] });
    else known.tracks.add(track);
  }

  unpublished(room: string, sid: string, track: string): void {
    this.#changes += 1;
    this.#rooms.get(room)?.people.get(sid)?.tracks.delete(track);
  }

  /** Takes over what LiveKit says of a room. */
  sync(room: string, sid: string, people: readonly Person[]): void {
    this.#lists += 1;
    const known = this.#rooms.get(room);
    const gone = known?.sid === sid ? known.gone : new Set<string>();
    this.#rooms.set(room, {
      sid,
      gone,
      people: new Map(
        people.map((person) => [
          person.sid,
          {
            identity: person.identity,
            kind: person.kind ?? 0,
            isHidden: person.isHidden,
            tracks: new Set(person.tracks),
          },
        ]),
      ),
    });
  }

  forget(room: string): void {
    this.#lists += 1;
    this.#rooms.delete(room);
  }
}

const isViewer = ({ kind, isHidden }: Someone): boolean =>
  !isHidden && kind !== EGRESS_KIND && kind !== INGRESS_KIND && kind !== AGENT_KIND;
