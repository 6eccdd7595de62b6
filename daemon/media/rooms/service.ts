import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { boundedCache } from '#daemon/platform/bounded-cache.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { ApiError } from '#shared/errors.ts';
import type {
  AllRoomsQuery,
  PeopleQuery,
  RoomDetail,
  RoomParticipant,
  RoomQuery,
  RoomRow,
} from '#shared/schema/rooms.ts';
import type { LiveKit } from '../livekit/client.ts';
import { toApiError } from '../livekit/errors.ts';
import type { RoomFacts } from '../livekit/room-facts.ts';
import type { RoomDirectory } from '../streams/room-directory.ts';
import type { RoomPlacer } from '../streams/room-placer.ts';
import { vodRepository } from '../vods/repository.ts';
import type { NodeMap } from './node-map.ts';
import { PacedRead } from './paced-read.ts';

const FRESH_MS = 1000;
const PACE_MS = 300;
/** Rooms whose participants are kept for the next reader. */
const MAX_KEPT = 200;

/** A node of the cluster, as far as rooms are concerned. */
interface RoomNode {
  name: string;
  region: string | null;
}

export interface RoomServiceDeps {
  livekit: Pick<LiveKit, 'rooms' | 'listIngressDetails'>;
  databases: AppDatabases;
  directory: RoomDirectory;
  apps: { require(name: string): AppEntry; forRoom(room: string): AppEntry | undefined };
  placer: Pick<RoomPlacer, 'roomOf'>;
  nodeMap: NodeMap;
  /** The node of the cluster with LiveKit's id. */
  nodeOf(livekitId: string): RoomNode | undefined;
  clock: Clock;
}

interface Listed {
  rooms: { app: AppEntry; facts: RoomFacts }[];
  nodes: Map<string, string>;
}

/** The open rooms of apps: LiveKit's lists, with what the directory counts and the app records. */
export class RoomService {
  readonly #deps: RoomServiceDeps;
  readonly #list: PacedRead<Listed>;
  readonly #people = boundedCache<string, PacedRead<RoomParticipant[]>>(MAX_KEPT);

  constructor(deps: RoomServiceDeps) {
    this.#deps = deps;
    this.#list = new PacedRead(() => this.#read(), { freshMs: FRESH_MS, paceMs: PACE_MS, clock: deps.clock });
  }

  /** Something in the room changed, or a room came or went: what was read before is stale. */
  expire(room: string): void {
    this.#list.expire();
    this.#people.get(room)?.expire();
  }

  /**
   * @param names the apps whose rooms are asked for
   * @throws ApiError LIVEKIT_NOT_CONFIGURED, LIVEKIT_UNREACHABLE, LIVEKIT_REFUSED
   */
  async list(names: ReadonlySet<string>, { app, q, sort = 'name', limit = 100, offset = 0 }: AllRoomsQuery) {
    const { rooms, nodes } = await this.#ask(() => this.#list.get());
    const wanted = q?.toLowerCase();
    const found = rooms.filter(
      ({ app: { name }, facts }) =>
        names.has(name) &&
        (app === undefined || name === app) &&
        (wanted === undefined || facts.name.toLowerCase().includes(wanted)),
    );
    const ranked = sorted(found, sort, (name) => this.#deps.directory.counts(name).participants);
    const shown = ranked.slice(offset, offset + limit);
    const recorded = this.#recorded(shown.map((one) => one.app.name));
    const data = shown.map((one) => this.#row(one.app, one.facts, nodes, recorded));
    return { data, total: found.length, limit, offset };
  }

  listOf(app: string, query: RoomQuery) {
    this.#deps.apps.require(app);
    return this.list(new Set([app]), query);
  }

  /** @throws ApiError ROOM_NOT_FOUND, and as `list` */
  async get(name: string, wish: string, query: PeopleQuery): Promise<RoomDetail> {
    const { app, facts } = await this.find(name, wish);
    const [people, nodes] = await this.#ask(() =>
      Promise.all([this.#peopleOf(facts.name), this.#deps.nodeMap.nodesOf([facts.name])]),
    );
    const recordings = vodRepository(this.#deps.databases.get(app.name)).recordingIn(facts.name);
    return {
      ...this.#row(app, facts, nodes, new Set(recordings.map(({ room }) => room ?? ''))),
      metadata: facts.metadata,
      recordings: recordings.map((vod) => ({
        id: vod.id,
        streamId: vod.stream_id,
        status: vod.status === 'starting' ? 'starting' : 'recording',
        startedAt: vod.started_at,
      })),
      canMove: this.#deps.livekit.rooms.canMove,
      people: page(people, query),
    };
  }

  /** @throws ApiError ROOM_NOT_FOUND, PARTICIPANT_NOT_FOUND, and as `list` */
  async participant(name: string, wish: string, identity: string): Promise<RoomParticipant> {
    const { room, participant } = await this.findParticipant(name, wish, identity);
    const [known] = await this.#withFrameRates(room, [participant]);
    return known as RoomParticipant;
  }

  /** The open room of the app. A room of another app is not found. @throws ApiError ROOM_NOT_FOUND, and as `list` */
  async find(name: string, wish: string): Promise<{ app: AppEntry; facts: RoomFacts }> {
    const { apps, placer, livekit } = this.#deps;
    const app = apps.require(name);
    const room = placer.roomOf(app, wish);
    const facts = room === undefined ? undefined : await this.#ask(() => livekit.rooms.find(room));
    if (facts === undefined) throw new ApiError('ROOM_NOT_FOUND', { room: room ?? wish });
    return { app, facts };
  }

  /** @throws ApiError ROOM_NOT_FOUND, PARTICIPANT_NOT_FOUND, and as `list` */
  async findParticipant(name: string, wish: string, identity: string) {
    const { facts } = await this.find(name, wish);
    const participant = await this.#ask(() => this.#deps.livekit.rooms.participant(facts.name, identity));
    if (participant === undefined) throw new ApiError('PARTICIPANT_NOT_FOUND', { identity, room: facts.name });
    return { room: facts.name, participant };
  }

  async rowOf(app: AppEntry, facts: RoomFacts): Promise<RoomRow> {
    const nodes = await this.#deps.nodeMap.nodesOf([facts.name]);
    return this.#row(app, facts, nodes, this.#recorded([app.name]));
  }

  async #read(): Promise<Listed> {
    const { livekit, apps, nodeMap } = this.#deps;
    const rooms = (await livekit.rooms.list()).flatMap((facts) => {
      const app = apps.forRoom(facts.name);
      return app === undefined || app.deleting ? [] : [{ app, facts }];
    });
    return { rooms, nodes: await nodeMap.nodesOf(rooms.map(({ facts }) => facts.name)) };
  }

  #peopleOf(room: string): Promise<RoomParticipant[]> {
    let read = this.#people.get(room);
    if (read === undefined) {
      const list = async () => {
        const people = await this.#deps.livekit.rooms.participants(room);
        return this.#withFrameRates(room, people.sort(byRole));
      };
      read = new PacedRead(list, { freshMs: FRESH_MS, paceMs: PACE_MS, clock: this.#deps.clock });
      this.#people.set(room, read);
    }
    return read.get();
  }

  /** LiveKit tells frame rates of ingests only, and not with the track. */
  async #withFrameRates(room: string, people: RoomParticipant[]): Promise<RoomParticipant[]> {
    if (!people.some(({ kind }) => kind === 'ingress')) return people;
    const ingests = await this.#deps.livekit.listIngressDetails(room).catch(() => []);
    const rates = new Map(ingests.map(({ participant, video }) => [participant, video?.framerate ?? null]));
    return people.map((one) => {
      const frameRate = one.kind === 'ingress' ? (rates.get(one.identity) ?? null) : null;
      if (frameRate === null) return one;
      return { ...one, tracks: one.tracks.map((track) => (track.type === 'video' ? { ...track, frameRate } : track)) };
    });
  }

  /** Rooms of these apps that are recorded now. */
  #recorded(apps: readonly string[]): Set<string> {
    const rooms = new Set<string>();
    for (const app of new Set(apps))
      for (const { room, status } of vodRepository(this.#deps.databases.get(app)).open())
        if (room !== null && status !== 'uploading') rooms.add(room);
    return rooms;
  }

  #row(app: AppEntry, facts: RoomFacts, nodes: Map<string, string>, recorded: ReadonlySet<string>): RoomRow {
    const { directory, nodeOf } = this.#deps;
    // the directory counts nobody who is hidden; it does not know the room yet only for a moment
    const counts = directory.has(facts.name)
      ? directory.counts(facts.name)
      : { ...facts, viewers: Math.max(0, facts.participants - facts.publishers) };
    const id = nodes.get(facts.name) ?? null;
    const node = id === null ? undefined : nodeOf(id);
    return {
      app: app.name,
      name: facts.name,
      sid: facts.sid,
      startedAt: facts.startedAt === null ? null : new Date(facts.startedAt).toISOString(),
      participants: counts.participants,
      publishers: counts.publishers,
      viewers: counts.viewers,
      hlsViewers: directory.hlsViewers(facts.name),
      maxParticipants: facts.maxParticipants,
      emptyTimeoutSeconds: facts.emptyTimeoutSeconds,
      departureTimeoutSeconds: facts.departureTimeoutSeconds,
      node: node?.name ?? id,
      region: node?.region ?? null,
      recording: recorded.has(facts.name),
    };
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw toApiError(error);
    }
  }
}

type Sort = NonNullable<RoomQuery['sort']>;

function sorted<T extends { facts: RoomFacts }>(rooms: T[], sort: Sort, people: (room: string) => number): T[] {
  const names = rooms.toSorted((a, b) => (a.facts.name < b.facts.name ? -1 : 1));
  if (sort === 'participants') return names.sort((a, b) => people(b.facts.name) - people(a.facts.name));
  return sort === 'name' ? names : names.sort((a, b) => (b.facts.startedAt ?? 0) - (a.facts.startedAt ?? 0));
}

/** Publishers first, then by the time of joining. */
function byRole(a: RoomParticipant, b: RoomParticipant): number {
  if (a.publisher !== b.publisher) return a.publisher ? -1 : 1;
  return (a.joinedAt ?? '') < (b.joinedAt ?? '') ? -1 : 1;
}

function page(people: RoomParticipant[], { q, limit = 200, offset = 0 }: PeopleQuery): RoomDetail['people'] {
  const wanted = q?.toLowerCase();
  const found =
    wanted === undefined
      ? people
      : people.filter(({ identity, name }) => `${identity}\n${name}`.toLowerCase().includes(wanted));
  return { data: found.slice(offset, offset + limit), total: found.length, limit, offset };
}
