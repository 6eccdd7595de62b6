import type { CreateOptions, RoomServiceClient } from 'livekit-server-sdk';
import type { RoomParticipant, RoomTrack, UpdateParticipantBody } from '#shared/schema/rooms.ts';
import { TRACK_SOURCES } from '#shared/schema/rooms.ts';
import { LiveKitError } from './errors.ts';
import { type RoomFacts, readParticipant, readRoom, readRoomTrack } from './room-facts.ts';

/** A message to clients in a room. */
export interface DataMessage {
  data: string;
  topic?: string | undefined;
  /** Identities; undefined = everyone. */
  to?: string[] | undefined;
  reliable: boolean;
}

/** DataPacket.Kind of LiveKit's protocol. */
const RELIABLE = 0;
const LOSSY = 1;

/** What LiveKit's room service knows and does. All requests go through `ask`, which bounds their time. */
export class LiveKitRooms {
  readonly #ask: <T>(question: (client: RoomServiceClient) => Promise<T>) => Promise<T>;
  #canMove: boolean | null = null;

  constructor(ask: <T>(question: (client: RoomServiceClient) => Promise<T>) => Promise<T>) {
    this.#ask = ask;
  }

  /** Whether it moves and forwards participants; null = not tried yet. */
  get canMove(): boolean | null {
    return this.#canMove;
  }

  /** Another server may be able to do other things. */
  reset(): void {
    this.#canMove = null;
  }

  async list(): Promise<RoomFacts[]> {
    return (await this.#ask((client) => client.listRooms())).map(readRoom);
  }

  async find(name: string): Promise<RoomFacts | undefined> {
    const [room] = await this.#ask((client) => client.listRooms([name]));
    return room === undefined ? undefined : readRoom(room);
  }

  async create(options: CreateOptions): Promise<RoomFacts> {
    return readRoom(await this.#ask((client) => client.createRoom(options)));
  }

  /** Long texts are cut. Empty for a room that does not exist. */
  async participants(room: string): Promise<RoomParticipant[]> {
    const list = await this.#ask((client) => client.listParticipants(room));
    return list.map((info) => readParticipant(info, true));
  }

  /** Undefined when nobody of that identity is there. */
  async participant(room: string, identity: string): Promise<RoomParticipant | undefined> {
    try {
      const info = await this.#ask((client) => client.getParticipant(room, identity));
      return readParticipant(info, false);
    } catch (error) {
      if (error instanceof LiveKitError && error.failure === 'missing') return undefined;
      throw error;
    }
  }

  async end(room: string): Promise<void> {
    await this.#ask((client) => client.deleteRoom(room));
  }

  async setMetadata(room: string, metadata: string): Promise<void> {
    await this.#ask((client) => client.updateRoomMetadata(room, metadata));
  }

  /** The room must exist: LiveKit waits for one that doesn't. */
  async send(room: string, { data, topic, to, reliable }: DataMessage): Promise<void> {
    const options = {
      ...(topic === undefined ? {} : { topic }),
      ...(to === undefined ? {} : { destinationIdentities: to }),
    };
    const bytes = new TextEncoder().encode(data);
    await this.#ask((client) => client.sendData(room, bytes, reliable ? RELIABLE : LOSSY, options));
  }

  /** @param current LiveKit replaces permissions as a whole, so those that aren't changed are sent again */
  async update(
    room: string,
    current: RoomParticipant,
    { name, metadata, attributes, permissions }: UpdateParticipantBody,
  ): Promise<RoomParticipant> {
    const all = { ...current.permissions, ...permissions };
    const info = await this.#ask((client) =>
      client.updateParticipant(room, current.identity, {
        ...(name === undefined ? {} : { name }),
        ...(metadata === undefined ? {} : { metadata }),
        ...(attributes === undefined ? {} : { attributes }),
        ...(permissions === undefined
          ? {}
          : {
              permission: { ...all, canPublishSources: all.canPublishSources.map((one) => TRACK_SOURCES.indexOf(one)) },
            }),
      }),
    );
    return readParticipant(info, false);
  }

  /** The track must exist: LiveKit waits for one that doesn't. */
  async mute(room: string, identity: string, track: string, muted: boolean): Promise<RoomTrack> {
    return readRoomTrack(await this.#ask((client) => client.mutePublishedTrack(room, identity, track, muted)));
  }

  async remove(room: string, identity: string): Promise<void> {
    await this.#ask((client) => client.removeParticipant(room, identity));
  }

  move(room: string, identity: string, other: string): Promise<void> {
    return this.#moving((client) => client.moveParticipant(room, identity, other));
  }

  forward(room: string, identity: string, other: string): Promise<void> {
    return this.#moving((client) => client.forwardParticipant(room, identity, other));
  }

  async #moving(question: (client: RoomServiceClient) => Promise<void>): Promise<void> {
    try {
      await this.#ask(question);
      this.#canMove = true;
    } catch (error) {
      if (error instanceof LiveKitError && error.failure === 'unsupported') this.#canMove = false;
      throw error;
    }
  }
}
