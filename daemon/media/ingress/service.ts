import { randomBytes } from 'node:crypto';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { PublishQuota } from '#daemon/identity/teams/media-quotas.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { FairTurns } from '#daemon/platform/fair-turns.ts';
import { type Actor, SYSTEM } from '#daemon/platform/http/types.ts';
import { KeyedLock } from '#daemon/platform/keyed-lock.ts';
import type { Log } from '#daemon/platform/log.ts';
import { type EndpointPolicy, endpointProblem } from '#daemon/platform/net/endpoint-policy.ts';
import { PLATFORM, type Principal } from '#daemon/platform/principal.ts';
import { MASK } from '#shared/config/annotations.ts';
import type { DeliveryPlan, IngestEncoding, IngestPlan } from '#shared/delivery/plan.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { hostAndPort, hostInUrl } from '#shared/format.ts';
import { INGESTS_PER_TEAM } from '#shared/limits.ts';
import type {
  CreatedIngress,
  CreateIngressBody,
  IngressDetail,
  IngressKey,
  IngressQuery,
  IngressRow,
  IngressType,
  UpdateIngressBody,
} from '#shared/schema/ingress.ts';
import { shownAddress } from '#shared/secrets.ts';
import type { LiveKit } from '../livekit/client.ts';
import { isNotTaken, LiveKitError, toApiError } from '../livekit/errors.ts';
import { type IngressDetails, isLive } from '../livekit/ingress.ts';
import { INGRESS_CPUS } from '../livekit/ingress-errors.ts';
import type { IngressRequest } from '../livekit/ingress-request.ts';
import type { MediaStore } from '../media-store.ts';
import { livekitMemory } from '../streams/repository.ts';
import type { RoomPlacer } from '../streams/room-placer.ts';
import { closedIngests, ingressSessions } from './repository.ts';
import { closeSession, type IngressEndReason } from './sessions.ts';

/** How long a room that was placed for an ingest waits for its encoder. */
const ROOM_WAITS_S = 3600;
const RTMP_PORT = 1935;
const WHIP_PORT = 8080;
/** Schemes of sources that LiveKit's ingress service fetches. */
const FETCHED = /^(?:https?|srt):\/\//i;

export interface IngressServiceDeps {
  livekit: LiveKit;
  mediaStore: MediaStore;
  databases: AppDatabases;
  apps: {
    require(name: string): AppEntry;
    forRoom(room: string): AppEntry | undefined;
    formerOwner(room: string, renamed?: string): { prefix: string; app: AppEntry | undefined } | undefined;
    get(name: string): AppEntry | undefined;
    hasGivenUpRooms(name: string): boolean;
    turnOf(name: string): string;
  };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  placer: RoomPlacer;
  quotas: PublishQuota;
  /** Which sources may be fetched. */
  policy: EndpointPolicy;
  /** RTMP_PUBLIC_HOST: where encoders reach the ingress service, unless LiveKit's configuration says it. */
  rtmpHost(): string;
  events: EventBus;
  log: Log<'warn'>;
}

/** The addresses that encoders send to. LiveKit stores them in its Redis; the daemon stores nothing. */
export class IngressService {
  readonly #deps: IngressServiceDeps;
  readonly #creating = new FairTurns();
  readonly #counting = new KeyedLock();
  /** How many of a team are being made and may not be listed yet. */
  readonly #unlisted = new Map<string, number>();

  constructor(deps: IngressServiceDeps) {
    this.#deps = deps;
  }

  async list(name: string, query: IngressQuery) {
    const app = this.#deps.apps.require(name);
    const { limit = 100, offset = 0 } = query;
    const room = query.room === undefined ? undefined : this.#deps.placer.roomOf(app, query.room);
    const found = query.room !== undefined && room === undefined ? [] : await this.#of(app, room);
    const rows = found.map((one) => this.#row(one));
    rows.sort((a, b) => (a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1));
    return { data: rows.slice(offset, offset + limit), total: rows.length, limit, offset };
  }

  async get(name: string, id: string): Promise<IngressDetail> {
    const one = await this.#find(name, id);
    const layers = isLive(one.status) ? await this.#ask(this.#deps.livekit.listLayers(one.room, one.participant)) : [];
    return { ...this.#row(one), layers };
  }

  async key(name: string, id: string): Promise<IngressKey> {
    const one = await this.#find(name, id);
    return { url: this.#addressOf(one, ''), streamKey: one.streamKey };
  }

  /** @throws ApiError QUOTA_EXCEEDED while the team has its number of live streams: an ingest is a right to publish */
  async create(name: string, body: CreateIngressBody, principal: Principal, actor: Actor): Promise<CreatedIngress> {
    const { apps, delivery, placer, events } = this.#deps;
    const app = apps.require(name);
    const room = placer.nameOf(app, body.room);
    this.#checkSource(body);
    const plan = await delivery.plan(name);
    checkAllowed(plan.ingest, body.type);
    const identity = body.identity ?? `ingest-${randomBytes(6).toString('hex')}`;
    await this.#deps.quotas.checkPublish(principal, app.tenantId, { room, identity });
    const { made, address, node } = await this.#counted(app, async () => {
      const placed = await placer.place(room, {
        region: body.region,
        emptySeconds: ROOM_WAITS_S,
        playoutDelayMs: plan.room.playoutDelayMs,
      });
      const order = {
        type: body.type,
        room,
        identity,
        name: body.name ?? '',
        ...(body.url === undefined ? {} : { url: body.url }),
        encoding: encodingFor(plan.ingest, body.type),
      };
      return { ...placed, made: await this.#make(apps.turnOf(name), order) };
    });
    const row = this.#row(made, address);
    events.publish({
      type: 'ingress.created',
      app: name,
      tenant: app.tenantId,
      actor,
      data: { id: row.id, name: row.name, type: row.type, room, transcode: row.transcode },
    });
    return { ...row, streamKey: made.streamKey, node };
  }

  /**
   * Pauses, resumes or renames an ingest. LiveKit cuts off a live encoder at any change, so nothing is sent that changes nothing.
   * @throws ApiError INGRESS_LIVE, INGRESS_FIXED, FEATURE_OFF, QUOTA_EXCEEDED
   */
  async update(
    name: string,
    id: string,
    body: UpdateIngressBody,
    principal: Principal,
    actor: Actor,
  ): Promise<IngressRow> {
    const one = await this.#find(name, id);
    if (one.type === 'rtsp') throw new ApiError('INGRESS_FIXED');
    const app = this.#deps.apps.require(name);
    const isResumed = body.enabled === true && !one.isEnabled;
    const isPaused = body.enabled === false && one.isEnabled;
    const isRenamed = body.name !== undefined && body.name !== one.name;
    if (body.enabled === true) checkAllowed((await this.#deps.delivery.plan(name)).ingest, one.type);
    if (body.enabled !== undefined) this.#closed(name).remove(id);
    if (!isResumed && !isPaused && !isRenamed) return this.#row(one);
    if (isLive(one.status) && !isPaused) throw new ApiError('INGRESS_LIVE');
    if (isResumed) {
      await this.#deps.quotas.checkPublish(principal, app.tenantId, { room: one.room, identity: one.participant });
    }
    const changed = await this.#change(name, one, {
      ...(isRenamed ? { name: body.name as string } : {}),
      ...(isResumed || isPaused ? { enabled: isResumed } : {}),
    });
    this.#told(app, changed, actor);
    return this.#row(changed);
  }

  /**
   * Pauses RTMP ingests of apps whose config refuses RTMP, and resumes those that were paused for that.
   * @param only one app; all by default
   */
  async followConfig(only?: string): Promise<void> {
    const { livekit, apps, log } = this.#deps;
    if (!livekit.isConfigured || (only === undefined ? livekit.state.status : 'reachable') !== 'reachable') return;
    // the usual case: LiveKit need not be asked
    if (only !== undefined && (await this.#allowsRtmp(only)) && this.#closed(only).all().length === 0) return;
    const byApp = new Map<AppEntry, IngressDetails[]>();
    for (const one of await livekit.listIngressDetails()) {
      const app = apps.forRoom(one.room);
      if (one.type !== 'rtmp' || app === undefined || (only !== undefined && app.name !== only)) continue;
      byApp.set(app, [...(byApp.get(app) ?? []), one]);
    }
    for (const [app, ingests] of byApp) {
      try {
        const isEnabled = await this.#allowsRtmp(app.name);
        const ids = new Set(this.#closed(app.name).all());
        for (const one of ingests) {
          if (isEnabled ? !ids.has(one.id) : !one.isEnabled) continue;
          if (!isEnabled) this.#closed(app.name).add(one.id);
          if (one.isEnabled !== isEnabled)
            this.#told(app, await this.#change(app.name, one, { enabled: isEnabled }), SYSTEM);
          if (isEnabled) this.#closed(app.name).remove(one.id);
        }
      } catch (err) {
        log.warn({ app: app.name, err }, 'RTMP ingests could not be paused or resumed as the config says');
      }
    }
  }

  /** After a change or a deletion of an app, or, for all apps, when LiveKit is there again. */
  async follow(app?: string): Promise<void> {
    await this.followRooms(app);
    if (app === undefined || this.#deps.apps.get(app) !== undefined) await this.followConfig(app);
  }

  /**
   * Lets ingests follow a changed room prefix: a key must not open rooms that another team may get later. LiveKit can't change
   * ingests that fetch a source, so those are deleted, as are those of apps that are gone.
   * @param renamed the app whose prefix just changed
   */
  async followRooms(renamed?: string): Promise<void> {
    const { livekit, apps, log } = this.#deps;
    if (!livekit.isConfigured || livekit.state.status !== 'reachable') return;
    if (renamed !== undefined && !apps.hasGivenUpRooms(renamed)) return;
    for (const one of await livekit.listIngressDetails()) {
      const former = apps.formerOwner(one.room, renamed);
      if (former === undefined || former.app?.deleting) continue;
      const { app, prefix } = former;
      try {
        if (app === undefined) await livekit.deleteIngress(one.id);
        else if (one.type === 'rtsp') {
          await this.#delete(app, one, SYSTEM);
          log.warn({ app: app.name, ingress: one.id }, 'an ingest was deleted, because the room prefix changed');
        } else {
          const room = app.roomPrefix + one.room.slice(prefix.length);
          const moved = await livekit.updateIngress(one.id, { room });
          // LiveKit has cut off the encoder, which comes again
          await this.#closeSession(app, one, 'stopped');
          this.#told(app, moved, SYSTEM);
        }
      } catch (err) {
        log.warn({ app: app?.name, ingress: one.id, err }, 'an ingest could not follow the room prefix of its app');
      }
    }
  }

  async #allowsRtmp(app: string): Promise<boolean> {
    return (await this.#deps.delivery.plan(app)).ingest.rtmp.isEnabled;
  }

  #closed(app: string) {
    return closedIngests(this.#deps.databases.get(app));
  }

  #told({ name: app, tenantId: tenant }: AppEntry, one: IngressDetails, actor: Actor): void {
    const data = { id: one.id, name: one.name, room: one.room, enabled: one.isEnabled };
    this.#deps.events.publish({ type: 'ingress.updated', app, tenant, actor, data });
  }

  /** Sends a change to LiveKit. A resumed ingest is encoded as the config says now. */
  async #change(
    name: string,
    one: IngressDetails,
    change: { name?: string; enabled?: boolean },
  ): Promise<IngressDetails> {
    const { livekit, delivery, databases } = this.#deps;
    const expectEnd = (reason: 'paused' | null) => ingressSessions(databases.get(name)).expectEnd(one.id, reason);
    const { ingest } = await delivery.plan(name);
    const type = one.type === 'whip' ? 'whip' : 'rtmp';
    if (change.enabled === false) expectEnd('paused');
    try {
      return await livekit.updateIngress(one.id, {
        ...change,
        ...(change.enabled === true ? { encoding: encodingFor(ingest, type) } : {}),
      });
    } catch (error) {
      if (change.enabled === false) expectEnd(null);
      throw toApiError(error);
    }
  }

  async remove(name: string, id: string, actor: Actor): Promise<void> {
    const one = await this.#find(name, id);
    await this.#ask(this.#delete(this.#deps.apps.require(name), one, actor));
  }

  async #delete(app: AppEntry, one: IngressDetails, actor: Actor): Promise<void> {
    const { id, name, room } = one;
    await this.#deps.livekit.deleteIngress(id);
    await this.#closeSession(app, one, 'deleted');
    this.#closed(app.name).remove(id);
    const data = { id, name, room };
    this.#deps.events.publish({ type: 'ingress.deleted', app: app.name, tenant: app.tenantId, actor, data });
  }

  async #closeSession(app: AppEntry, { id, resourceId }: IngressDetails, reason: IngressEndReason): Promise<void> {
    await this.#deps.mediaStore.change(app, (tx) => {
      tx.note(closeSession(tx.db, id, reason, { at: tx.now, now: tx.now }));
      // the event of its start can still arrive
      livekitMemory(tx.db).setGone(resourceId, tx.now);
    });
  }

  /** Before an app is deleted, so that no encoder keeps sending to rooms without an app. Failures are only logged. */
  async removeAll(name: string): Promise<void> {
    if (!this.#deps.livekit.isConfigured) return;
    try {
      for (const one of await this.#of(this.#deps.apps.require(name))) await this.#deps.livekit.deleteIngress(one.id);
    } catch (err) {
      this.#deps.log.warn({ app: name, err }, 'ingests could not be removed before the deletion');
    }
  }

  async #of(app: AppEntry, room?: string): Promise<IngressDetails[]> {
    const all = await this.#ask(this.#deps.livekit.listIngressDetails(room));
    return all.filter((one) => this.#deps.apps.forRoom(one.room)?.id === app.id);
  }

  /** @throws ApiError INGRESS_NOT_FOUND also for another app's */
  async #find(name: string, id: string): Promise<IngressDetails> {
    const app = this.#deps.apps.require(name);
    const one = await this.#ask(this.#deps.livekit.findIngress(id));
    if (one === undefined || this.#deps.apps.forRoom(one.room)?.id !== app.id) {
      throw new ApiError('INGRESS_NOT_FOUND', { id });
    }
    return one;
  }

  /**
   * Makes an ingest if the team may have one more, those being made counted. A source can take long to fetch, so only the
   * counting is one after another. Operators set themselves no limit. @throws ApiError INGRESS_LIMIT
   */
  async #counted<T>({ tenantId }: AppEntry, make: () => Promise<T>): Promise<T> {
    if (tenantId === PLATFORM) return make();
    const unlisted = (): number => this.#unlisted.get(tenantId) ?? 0;
    await this.#counting.run(tenantId, async () => {
      // counted before the list is read: one that is finished while it is read may not be in it
      const before = unlisted();
      const all = await this.#ask(this.#deps.livekit.listIngressDetails());
      const own = all.filter(({ room }) => this.#deps.apps.forRoom(room)?.tenantId === tenantId);
      if (own.length + before >= INGESTS_PER_TEAM) throw new ApiError('INGRESS_LIMIT', { max: INGESTS_PER_TEAM });
      this.#unlisted.set(tenantId, unlisted() + 1);
    });
    try {
      return await make();
    } finally {
      const left = unlisted() - 1;
      if (left === 0) this.#unlisted.delete(tenantId);
      else this.#unlisted.set(tenantId, left);
    }
  }

  #checkSource({ type, url }: CreateIngressBody): void {
    if (type !== 'url') {
      if (url !== undefined) throw fieldError('body.url', 'is only for type url');
      return;
    }
    if (url === undefined) throw fieldError('body.url', 'is required for type url');
    if (!FETCHED.test(url)) {
      throw fieldError(
        'body.url',
        'must begin with http://, https:// or srt://, because LiveKit fetches nothing else. For other sources, such as RTSP cameras, let ffmpeg send them to an ingest of type rtmp',
      );
    }
    const problem = endpointProblem(url.replace(/^srt:/i, 'http:'), this.#deps.policy);
    if (problem !== undefined) throw fieldError('body.url', problem);
  }

  async #make(turn: string, order: IngressRequest): Promise<IngressDetails> {
    const make = () => this.#deps.livekit.createIngress(order);
    try {
      // LiveKit confirms several that are made at the same time, but keeps only some: its store gives up after a few lost races.
      // A source waits for the service that fetches it, and must not keep the others waiting
      return await (order.type === 'url' ? make() : this.#creating.run(turn, { all: 1 }, make));
    } catch (error) {
      if (order.type === 'url' && error instanceof LiveKitError && isNotTaken(error)) {
        const { room, identity } = order;
        const asked = { what: 'ingress', roomPrefix: room, room, identity, cpus: INGRESS_CPUS } as const;
        const { reason, hint, extra } = await this.#deps.livekit.workers.explain(asked);
        throw new ApiError('INGRESS_NOT_TAKEN', { room, reason: `${reason}.` }, { hint, extra });
      }
      throw toApiError(error);
    }
  }

  async #ask<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw toApiError(error);
    }
  }

  #row(one: IngressDetails, placedAt = ''): IngressRow {
    return {
      id: one.id,
      type: one.type === 'rtsp' ? 'url' : one.type,
      name: one.name,
      room: one.room,
      participant: one.participant,
      url: this.#addressOf(one, placedAt),
      streamKey: one.streamKey === '' ? '' : `${one.streamKey.slice(0, 4)}…`,
      transcode: one.isTranscoding,
      enabled: one.isEnabled,
      status: one.status,
      error: one.error || null,
      startedAt: instant(one.startedAt),
      endedAt: instant(one.endedAt),
      video: one.video,
      audio: one.audio,
    };
  }

  /** Where the encoder sends to: what LiveKit's configuration says, else the host that operators gave, else the node's. */
  #addressOf(one: IngressDetails, placedAt: string): string {
    if (one.type === 'rtsp') return shownAddress(one.url, MASK);
    if (one.url !== '') return one.url;
    const given = hostAndPort(this.#deps.rtmpHost());
    const host = hostInUrl(given.host) || hostOf(placedAt || this.#deps.placer.entryAddress());
    return one.type === 'rtmp' ? `rtmp://${host}:${given.port ?? RTMP_PORT}/live` : `http://${host}:${WHIP_PORT}/w`;
  }
}

const hostOf = (url: string): string => URL.parse(url)?.hostname ?? '';

const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** How an ingest is encoded; null = WHIP that is passed on as it comes. */
const encodingFor = ({ rtmp, whip, url }: IngestPlan, type: IngressType): IngestEncoding | null =>
  type === 'whip' ? (whip.isTranscoding ? whip : null) : type === 'rtmp' ? rtmp : url;

function checkAllowed({ rtmp }: IngestPlan, type: string): void {
  if (type === 'rtmp' && !rtmp.isEnabled) throw new ApiError('FEATURE_OFF', { feature: 'rtmp.enabled' });
}
