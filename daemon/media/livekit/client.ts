import type { CreateOptions, EgressInfo, Room } from 'livekit-server-sdk';
import type { Background } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { SettingValues } from '#daemon/platform/settings.ts';
import type { VideoLayer } from '#shared/schema/ingress.ts';
import type { ClockDifference } from './clock-difference.ts';
import { type Egress, readEgress } from './egress.ts';
import { answerOf, type EgressAnswer } from './egress-answer.ts';
import { LiveKitError, translate } from './errors.ts';
import {
  type LiveKitEvent,
  type Person,
  type PublishedTrack,
  readLayers,
  readPerson,
  readTrack,
  readWebhook,
} from './event.ts';
import { type Ingress, type IngressDetails, readIngress, readIngressDetails } from './ingress.ts';
import { type IngressChange, type IngressRequest, ingressEncoding } from './ingress-request.ts';
import type { JoinGrant, JoinRights } from './join-grant.ts';
import { type LiveHlsRequest, liveHlsEncoding, liveHlsOutputs } from './live-hls-request.ts';
import { type RecordingRequest, recordingEncoding, recordingOutputs } from './recording-request.ts';
import { roomOptions } from './room-options.ts';
import { LiveKitRooms } from './rooms.ts';
import { checkSignature, issuerOf, type SignatureVerdict } from './signature.ts';
import { type LiveKitState, Reachability } from './state.ts';
import { sendThrough } from './transport.ts';
import { MediaWorkers } from './workers.ts';

const QUICK_S = 5;
/** Finding an egress service takes a while; without one, LiveKit keeps asking. */
const EGRESS_S = 10;

type Sdk = typeof import('livekit-server-sdk');

export interface LiveKitDeps {
  /** Address, key and secret; call `reconfigure` after a change. */
  settings: Pick<SettingValues, 'livekitUrl' | 'livekitApiKey' | 'livekitApiSecret'> &
    Partial<Pick<SettingValues, 'redisUrl'>>;
  /** Takes secrets out of a text. */
  clean(text: string): string;
  background: Background;
  onChange?(state: LiveKitState): void;
  clock?: Clock;
}

interface Clients {
  rooms: InstanceType<Sdk['RoomServiceClient']>;
  egress: InstanceType<Sdk['EgressClient']>;
  slowEgress: InstanceType<Sdk['EgressClient']>;
  ingress: InstanceType<Sdk['IngressClient']>;
  slowIngress: InstanceType<Sdk['IngressClient']>;
}

/**
 * All requests to LiveKit. Each has a time limit, and each failure is a LiveKitError, which contains no token.
 * The library is large, so it is loaded with the first request.
 */
export class LiveKit {
  readonly reachability: Reachability;
  /** The daemon is starting it, so nobody needs to hear that it is away; set by the wing that starts it. */
  isStarting = (): boolean => false;
  /** Keys and secrets that LiveKit accepts beside those of the settings, while they are rotated; set by the wing that does. */
  otherPairs = (): readonly (readonly [key: string, secret: string])[] => [];
  /** LiveKit's egress and ingress services. */
  readonly workers: MediaWorkers;
  /** Open rooms in detail, and what can be done in them. */
  readonly rooms = new LiveKitRooms((question) => this.#ask(QUICK_S, ({ rooms }) => question(rooms)));
  readonly #deps: LiveKitDeps;
  #sdk: Promise<Sdk> | undefined;
  #clients: Promise<Clients> | undefined;
  #clockDifference: ClockDifference | null = null;

  constructor(deps: LiveKitDeps) {
    this.#deps = deps;
    const { settings } = deps;
    this.workers = new MediaWorkers({ settings, listEgress: () => this.listEgress() });
    this.reachability = new Reachability({
      background: deps.background,
      get isConfigured() {
        return settings.livekitApiKey !== '' && settings.livekitApiSecret !== '' && settings.livekitUrl !== '';
      },
      // no room can have this name, so the answer is always small
      probe: async () => void (await this.listRooms(['\u0001'])),
      onChange: (state) => deps.onChange?.(state),
      clock: deps.clock ?? SYSTEM_CLOCK,
    });
  }

  get isConfigured(): boolean {
    return this.state.status !== 'unconfigured';
  }

  get state(): LiveKitState {
    return this.reachability.state;
  }

  start(): void {
    this.reachability.start();
  }

  stop(): void {
    this.reachability.stop();
  }

  /** Uses the settings of now. Requests under way keep the former ones. */
  reconfigure(): void {
    this.#clients = undefined;
    this.#clockDifference = null;
    this.rooms.reset();
    this.reachability.reset();
  }

  // --- rooms -------------------------------------------------------------------

  listRooms(names?: string[]): Promise<Room[]> {
    return this.#ask(QUICK_S, ({ rooms }) => rooms.listRooms(names));
  }

  /** Empty for a room that does not exist. */
  async listParticipants(room: string): Promise<Person[]> {
    const list = await this.#ask(QUICK_S, ({ rooms }) => rooms.listParticipants(room));
    return list.map((info) => readPerson(info, true));
  }

  /** What is published in a room, and by whom. */
  async listTracks(room: string): Promise<PublishedTrack[]> {
    const list = await this.#ask(QUICK_S, ({ rooms }) => rooms.listParticipants(room));
    return list.flatMap(({ identity, tracks }) => tracks.map((track) => ({ identity, ...readTrack(track) })));
  }

  /** Sizes that someone in a room really sends; empty for someone who is not there. */
  async listLayers(room: string, identity: string): Promise<VideoLayer[]> {
    const list = await this.#ask(QUICK_S, ({ rooms }) => rooms.listParticipants(room));
    return list.filter((one) => one.identity === identity).flatMap(readLayers);
  }

  createRoom(options: CreateOptions): Promise<Room> {
    return this.#ask(QUICK_S, ({ rooms }) => rooms.createRoom(options));
  }

  /** Removing someone who isn't there isn't an error. */
  async removeParticipant(room: string, identity: string): Promise<void> {
    await this.#unlessMissing(this.#ask(QUICK_S, ({ rooms }) => rooms.removeParticipant(room, identity)));
  }

  // --- egress and ingress --------------------------------------------------------

  /** Starts a recording. Without a free egress service, LiveKit refuses after about 10 s. */
  async startRecording(request: RecordingRequest): Promise<Egress> {
    const sdk = await this.#library();
    const outputs = recordingOutputs(sdk, request);
    const encodingOptions = recordingEncoding(sdk, request);
    const { room, identity, layout, audio } = request;
    const info = await this.#order('egress', ({ slowEgress }) => {
      if (identity === null) {
        const audioOnly = audio !== null;
        return slowEgress.startRoomCompositeEgress(room, outputs, { layout, encodingOptions, audioOnly });
      }
      // the recording of a participant has a picture always, black where there is none
      return audio === null
        ? slowEgress.startParticipantEgress(room, identity, outputs, { encodingOptions })
        : slowEgress.startTrackCompositeEgress(room, outputs, { audioTrackId: audio.trackSid, encodingOptions });
    });
    return readEgress(info);
  }

  /** Asks LiveKit to end it. */
  stopEgress(id: string): Promise<EgressAnswer> {
    return this.#egressAnswer(({ slowEgress }) => slowEgress.stopEgress(id));
  }

  /** Asks for a sign of life with a change that has no effect, because recordings have no streams. */
  pingEgress(id: string): Promise<EgressAnswer> {
    return this.#egressAnswer(({ slowEgress }) => slowEgress.updateStream(id, [], []));
  }

  /** Starts one quality of live HLS. Without a free egress service, LiveKit refuses after about 10 s. */
  async startLiveHls(request: LiveHlsRequest): Promise<Egress> {
    const sdk = await this.#library();
    const { room, identity } = request;
    const outputs = liveHlsOutputs(sdk, request);
    const encodingOptions = liveHlsEncoding(sdk, request);
    return readEgress(
      await this.#order('egress', ({ slowEgress }) =>
        slowEgress.startParticipantEgress(room, identity, outputs, { encodingOptions }),
      ),
    );
  }

  async listEgress(): Promise<Egress[]> {
    return (await this.#ask(QUICK_S, ({ egress }) => egress.listEgress())).map(readEgress);
  }

  /** Undefined when LiveKit does not know it; of an ended one it knows for a day. */
  async findEgress(id: string): Promise<Egress | undefined> {
    const [info] = await this.#unlessUnknown(
      this.#ask(QUICK_S, ({ egress }) => egress.listEgress({ egressId: id })),
      [],
    );
    return info === undefined ? undefined : readEgress(info);
  }

  async listIngress(room?: string): Promise<Ingress[]> {
    const filter = room === undefined ? {} : { roomName: room };
    return (await this.#ask(QUICK_S, ({ ingress }) => ingress.listIngress(filter))).map(readIngress);
  }

  /** The same with keys and addresses. */
  async listIngressDetails(room?: string): Promise<IngressDetails[]> {
    const filter = room === undefined ? {} : { roomName: room };
    return (await this.#ask(QUICK_S, ({ ingress }) => ingress.listIngress(filter))).map(readIngressDetails);
  }

  /** Of one ingest; undefined when LiveKit does not know it. */
  async findIngress(id: string): Promise<IngressDetails | undefined> {
    const [info] = await this.#unlessUnknown(
      this.#ask(QUICK_S, ({ ingress }) => ingress.listIngress({ ingressId: id })),
      [],
    );
    return info === undefined ? undefined : readIngressDetails(info);
  }

  /** A source is fetched immediately. Without a free ingress service, LiveKit refuses after about 3 s. */
  async createIngress(request: IngressRequest): Promise<IngressDetails> {
    const sdk = await this.#library();
    const { IngressInput } = sdk;
    const { type, room, identity, name, url, encoding } = request;
    const input = { rtmp: IngressInput.RTMP_INPUT, whip: IngressInput.WHIP_INPUT, url: IngressInput.URL_INPUT }[type];
    const options = {
      name,
      roomName: room,
      participantIdentity: identity,
      participantName: name || identity,
      enableTranscoding: encoding !== null,
      ...(encoding === null ? {} : ingressEncoding(sdk, encoding)),
      ...(url === undefined ? {} : { url }),
    };
    const make = ({ slowIngress }: Pick<Clients, 'slowIngress'>) => slowIngress.createIngress(input, options);
    return readIngressDetails(await (type === 'url' ? this.#order('ingress', make) : this.#ask(EGRESS_S, make)));
  }

  /** Changes an ingest for encoders. LiveKit cuts off an encoder that is sending, even for a new name. */
  async updateIngress(id: string, { name = '', room = '', enabled, encoding }: IngressChange): Promise<IngressDetails> {
    const sdk = await this.#library();
    const options = {
      name,
      participantName: name,
      roomName: room,
      ...(enabled === undefined ? {} : { enabled }),
      ...(encoding === undefined ? {} : { enableTranscoding: encoding !== null, ...ingressEncoding(sdk, encoding) }),
    };
    return readIngressDetails(await this.#ask(EGRESS_S, ({ slowIngress }) => slowIngress.updateIngress(id, options)));
  }

  async deleteIngress(id: string): Promise<void> {
    await this.#unlessMissing(this.#ask(QUICK_S, ({ ingress }) => ingress.deleteIngress(id)));
  }

  // --- signing ---------------------------------------------------------------------

  /** A token that opens a room, made without a request. @throws LiveKitError unconfigured */
  async joinToken({
    room,
    identity,
    name,
    metadata,
    ttlSeconds,
    grant,
    audioOnly,
    playoutDelayMs,
  }: JoinGrant): Promise<string> {
    const { AccessToken, RoomConfiguration, TrackSource } = await this.#library();
    const { livekitApiKey: apiKey, livekitApiSecret: apiSecret } = this.#deps.settings;
    const token = new AccessToken(apiKey, apiSecret, { identity, ttl: ttlSeconds, name, metadata });
    const canPublishSources = audioOnly ? [TrackSource.MICROPHONE] : undefined;
    token.addGrant({ ...grant, room, roomJoin: true, ...(canPublishSources ? { canPublishSources } : {}) });
    if (playoutDelayMs !== null) token.roomConfig = new RoomConfiguration(roomOptions({ playoutDelayMs }));
    return token.toJwt();
  }

  /**
   * The rights in a join token; undefined if it is expired, not ours, or not a join token.
   * @param leewaySeconds how long ago it may have expired
   * @throws LiveKitError unconfigured
   */
  async readJoinToken(token: string, leewaySeconds = 10): Promise<JoinRights | undefined> {
    const { TokenVerifier } = await this.#library();
    const [apiKey, apiSecret] = this.#pairOf(token);
    try {
      const { video, sub = '' } = await new TokenVerifier(apiKey, apiSecret).verify(token, leewaySeconds);
      if (video?.roomJoin !== true || !video.room) return undefined;
      // LiveKit allows anything that a token doesn't mention
      const { room, canPublish = true, canSubscribe = true, hidden = false } = video;
      return { room, identity: sub, canPublish, canSubscribe, isHidden: hidden };
    } catch {
      return undefined;
    }
  }

  /** Was this body signed with our secret, and just now? @throws LiveKitError unconfigured */
  async checkSignature(body: string, authorization: string | undefined): Promise<SignatureVerdict> {
    const { TokenVerifier } = await this.#library();
    const { clock = SYSTEM_CLOCK } = this.#deps;
    const [apiKey, apiSecret] = this.#pairOf(authorization ?? '');
    const now = clock.now();
    const verdict = await checkSignature(new TokenVerifier(apiKey, apiSecret), apiKey, { body, authorization, now });
    // a delayed webhook was signed earlier, so only one from the future says something about the clock
    const isFromFuture = verdict.clockMs !== null && verdict.clockMs > 1000;
    if (isFromFuture && verdict.clockMs !== null) this.#clockDifference = { ms: verdict.clockMs, at: now };
    return verdict;
  }

  /** The pair that a token names, if it is one of ours; else that of the settings. */
  #pairOf(token: string): readonly [key: string, secret: string] {
    const { livekitApiKey, livekitApiSecret } = this.#deps.settings;
    const others = this.otherPairs();
    const issuer = others.length === 0 ? undefined : issuerOf(token);
    return others.find(([key]) => key === issuer) ?? [livekitApiKey, livekitApiSecret];
  }

  /** How far LiveKit's clock is ahead of ours; null = not measured yet. */
  get clockDifference(): ClockDifference | null {
    return this.#clockDifference;
  }

  /** Reads an event from its JSON. Throws if it isn't one. */
  async readEvent(json: unknown): Promise<LiveKitEvent> {
    const { WebhookEvent } = await this.#library();
    return readWebhook(WebhookEvent.fromJson(json as never, { ignoreUnknownFields: true }));
  }

  // --- inside ----------------------------------------------------------------------

  async #ask<T>(limitSeconds: number, question: (clients: Clients) => Promise<T>): Promise<T> {
    const connection = (this.#clients ??= this.#connect());
    const clients = await connection;
    // an answer of the LiveKit that was meant before says nothing about this one
    const isCurrent = (): boolean => this.#clients === connection;
    try {
      const answer = await question(clients);
      if (isCurrent()) this.reachability.succeeded();
      return answer;
    } catch (error) {
      const failure = translate(error, limitSeconds, (text) => this.#deps.clean(text));
      // a missing egress service says nothing about LiveKit itself
      if (limitSeconds === QUICK_S && isCurrent()) this.reachability.failed(failure);
      throw failure;
    }
  }

  /**
   * An order that one of LiveKit's services must take. Where no service is connected, the order is taken back after about
   * 2 s instead of LiveKit's own wait.
   */
  async #order<T>(
    service: 'egress' | 'ingress',
    give: (clients: Pick<Clients, 'slowEgress' | 'slowIngress'>) => Promise<T>,
  ): Promise<T> {
    const { EgressClient, IngressClient } = await this.#library();
    const { livekitUrl, livekitApiKey: apiKey, livekitApiSecret: apiSecret } = this.#deps.settings;
    const host = livekitUrl.replace(/^ws/i, 'http');
    const nobody = new AbortController();
    const answered = new AbortController();
    const onClock = (difference: ClockDifference): void => {
      this.#clockDifference = difference;
    };
    const over = <C extends object>(client: C): C =>
      sendThrough(client, { url: host, timeoutSeconds: EGRESS_S, onClock, signal: nobody.signal });
    this.#deps.background.run('services of LiveKit', async () => {
      if (await this.workers.whenNobody(service, answered.signal))
        nobody.abort(new LiveKitError('timeout', `no ${service} service is connected`));
    });
    try {
      return await this.#ask(EGRESS_S, () =>
        give({
          slowEgress: over(new EgressClient(host, apiKey, apiSecret)),
          slowIngress: over(new IngressClient(host, apiKey, apiSecret)),
        }),
      );
    } finally {
      answered.abort();
    }
  }

  async #egressAnswer(question: (clients: Clients) => Promise<EgressInfo>): Promise<EgressAnswer> {
    const askedAt = performance.now();
    try {
      return { kind: 'answered', egress: readEgress(await this.#ask(EGRESS_S, question)) };
    } catch (error) {
      const answer = answerOf(error, performance.now() - askedAt);
      if (answer === undefined) throw error;
      return answer;
    }
  }

  /** For egresses LiveKit answers 404 as well as 400 and 412 to what is gone or over. */
  async #unlessUnknown<T>(answer: Promise<T>, otherwise: T): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof LiveKitError && (error.failure === 'missing' || error.failure === 'refused'))
        return otherwise;
      throw error;
    }
  }

  async #unlessMissing(answer: Promise<unknown>): Promise<void> {
    try {
      await answer;
    } catch (error) {
      if (!(error instanceof LiveKitError) || error.failure !== 'missing') throw error;
    }
  }

  #library(): Promise<Sdk> {
    if (!this.isConfigured) return Promise.reject(new LiveKitError('unconfigured', 'no LiveKit server is configured'));
    return (this.#sdk ??= import('livekit-server-sdk'));
  }

  async #connect(): Promise<Clients> {
    try {
      const { RoomServiceClient, EgressClient, IngressClient } = await this.#library();
      const { livekitUrl, livekitApiKey: apiKey, livekitApiSecret: apiSecret } = this.#deps.settings;
      const host = livekitUrl.replace(/^ws/i, 'http');
      const onClock = (difference: ClockDifference): void => {
        this.#clockDifference = difference;
      };
      const over = <T extends object>(timeoutSeconds: number, client: T): T =>
        sendThrough(client, { url: host, timeoutSeconds, onClock });
      return {
        rooms: over(QUICK_S, new RoomServiceClient(host, apiKey, apiSecret)),
        egress: over(QUICK_S, new EgressClient(host, apiKey, apiSecret)),
        slowEgress: over(EGRESS_S, new EgressClient(host, apiKey, apiSecret)),
        ingress: over(QUICK_S, new IngressClient(host, apiKey, apiSecret)),
        slowIngress: over(EGRESS_S, new IngressClient(host, apiKey, apiSecret)),
      };
    } catch (error) {
      this.#clients = undefined;
      throw error;
    }
  }
}
