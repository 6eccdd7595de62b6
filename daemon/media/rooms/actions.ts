import { randomUUID } from 'node:crypto';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { KeyedLock } from '#daemon/platform/keyed-lock.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type {
  CreateRoomBody,
  RoomParticipant,
  RoomRow,
  RoomTrack,
  SendDataBody,
  UpdateParticipantBody,
} from '#shared/schema/rooms.ts';
import { MAX_METADATA, type WatchToken } from '#shared/schema/rooms.ts';
import type { LiveKit } from '../livekit/client.ts';
import { LiveKitError, toApiError } from '../livekit/errors.ts';
import { roomOptions } from '../livekit/room-options.ts';
import type { RoomPlacer } from '../streams/room-placer.ts';
import type { RoomService } from './service.ts';

/** LiveKit checks a token when someone enters, and renews it for those who are in the room. */
const WATCH_SECONDS = 300;

export interface RoomActionsDeps {
  livekit: Pick<LiveKit, 'rooms' | 'joinToken'>;
  apps: { require(name: string): AppEntry };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  placer: RoomPlacer;
  rooms: RoomService;
  /** Tells those who look that a room is no longer as it was. */
  announce(room: string): void;
}

/** What staff does in rooms. LiveKit's webhooks and lists then show it to everyone. */
export class RoomActions {
  readonly #deps: RoomActionsDeps;
  readonly #creating = new KeyedLock();

  constructor(deps: RoomActionsDeps) {
    this.#deps = deps;
  }

  /** @throws ApiError ROOM_EXISTS, VALIDATION_FAILED for a room of another app, LIVEKIT_… */
  async create(name: string, body: CreateRoomBody): Promise<RoomRow> {
    const { apps, delivery, livekit, placer, rooms } = this.#deps;
    const app = apps.require(name);
    const room = placer.nameOf(app, body.room);
    checkBytes('body.metadata', body.metadata);
    const playoutDelayMs = body.playoutDelayMs ?? (await delivery.plan(name)).room.playoutDelayMs;
    // LiveKit also accepts a room that is open already
    const make = async () => {
      if ((await livekit.rooms.find(room)) !== undefined) throw new ApiError('ROOM_EXISTS', { room });
      return livekit.rooms.create({
        name: room,
        ...placer.nodeFor(room, body.region),
        ...given('emptyTimeout', body.emptyTimeoutSeconds),
        ...given('departureTimeout', body.departureTimeoutSeconds),
        ...given('maxParticipants', body.maxParticipants),
        ...given('metadata', body.metadata),
        ...roomOptions({ playoutDelayMs }),
      });
    };
    const facts = await this.#ask(() => this.#creating.run(room, make));
    this.#deps.announce(room);
    return rooms.rowOf(app, facts);
  }

  setMetadata(name: string, wish: string, metadata: string): Promise<void> {
    checkBytes('body.metadata', metadata);
    return this.#inRoom(name, wish, (room) => this.#deps.livekit.rooms.setMetadata(room, metadata));
  }

  end(name: string, wish: string): Promise<void> {
    return this.#inRoom(name, wish, (room) => this.#deps.livekit.rooms.end(room));
  }

  send(name: string, wish: string, { reliable = true, ...message }: SendDataBody): Promise<void> {
    return this.#inRoom(name, wish, (room) => this.#deps.livekit.rooms.send(room, { ...message, reliable }));
  }

  /** A token for a hidden participant that only receives. */
  async watch(name: string, wish: string): Promise<WatchToken> {
    const { livekit, placer, rooms } = this.#deps;
    const { facts } = await rooms.find(name, wish);
    const identity = `watch-${randomUUID()}`;
    const token = await this.#ask(() =>
      livekit.joinToken({
        room: facts.name,
        identity,
        ttlSeconds: WATCH_SECONDS,
        audioOnly: false,
        playoutDelayMs: null,
        grant: { hidden: true, canPublish: false, canPublishData: false, canSubscribe: true },
      }),
    );
    return { token, wsUrl: placer.entryAddress(), room: facts.name, identity };
  }

  async update(name: string, wish: string, identity: string, body: UpdateParticipantBody): Promise<RoomParticipant> {
    checkBytes('body.metadata', body.metadata);
    checkBytes(
      'body.attributes',
      Object.entries(body.attributes ?? {})
        .flat()
        .join(''),
    );
    return this.#withParticipant(name, wish, identity, (room, one) => this.#deps.livekit.rooms.update(room, one, body));
  }

  remove(name: string, wish: string, identity: string): Promise<void> {
    return this.#withParticipant(name, wish, identity, (room) => this.#deps.livekit.rooms.remove(room, identity));
  }

  /** @throws ApiError LIVEKIT_UNSUPPORTED, VALIDATION_FAILED for a room of another app */
  move(name: string, wish: string, identity: string, other: string): Promise<void> {
    const { livekit } = this.#deps;
    return this.#toOther(name, wish, identity, other, 'move participants to another room', (...ask) =>
      livekit.rooms.move(...ask),
    );
  }

  /** @throws as `move` */
  forward(name: string, wish: string, identity: string, other: string): Promise<void> {
    const { livekit } = this.#deps;
    return this.#toOther(name, wish, identity, other, 'forward participants to another room', (...ask) =>
      livekit.rooms.forward(...ask),
    );
  }

  /** @throws ApiError TRACK_NOT_FOUND, UNMUTE_REFUSED */
  mute(name: string, wish: string, identity: string, track: string, muted: boolean): Promise<RoomTrack> {
    return this.#withParticipant(name, wish, identity, async (room, { tracks }) => {
      if (!tracks.some(({ sid }) => sid === track)) throw new ApiError('TRACK_NOT_FOUND', { identity, track, room });
      try {
        return await this.#deps.livekit.rooms.mute(room, identity, track, muted);
      } catch (error) {
        if (error instanceof LiveKitError && /remote unmute not enabled/i.test(error.message))
          throw new ApiError('UNMUTE_REFUSED');
        throw error;
      }
    });
  }

  #toOther(
    name: string,
    wish: string,
    identity: string,
    otherWish: string,
    what: string,
    act: (room: string, identity: string, other: string) => Promise<void>,
  ): Promise<void> {
    const other = this.#deps.placer.nameOf(this.#deps.apps.require(name), otherWish);
    return this.#withParticipant(name, wish, identity, async (room) => {
      if (room === other) throw fieldError('body.room', 'is the room that the participant is in');
      try {
        await act(room, identity, other);
      } catch (error) {
        if (error instanceof LiveKitError && error.failure === 'unsupported')
          throw new ApiError('LIVEKIT_UNSUPPORTED', { what });
        throw error;
      }
    });
  }

  async #inRoom<T>(name: string, wish: string, act: (room: string) => Promise<T>): Promise<T> {
    const { facts } = await this.#deps.rooms.find(name, wish);
    const result = await this.#ask(() => act(facts.name));
    this.#deps.announce(facts.name);
    return result;
  }

  async #withParticipant<T>(
    name: string,
    wish: string,
    identity: string,
    act: (room: string, participant: RoomParticipant) => Promise<T>,
  ): Promise<T> {
    const { room, participant } = await this.#deps.rooms.findParticipant(name, wish, identity);
    const result = await this.#ask(() => act(room, participant));
    this.#deps.announce(room);
    return result;
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw toApiError(error);
    }
  }
}

const given = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Partial<Record<K, V>>);

/** LiveKit counts bytes; the schema counts characters. */
function checkBytes(path: string, text: string | undefined): void {
  if (text !== undefined && Buffer.byteLength(text) > MAX_METADATA)
    throw fieldError(path, `must have ${MAX_METADATA} bytes at most`);
}
