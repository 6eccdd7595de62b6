import { randomBytes } from 'node:crypto';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { PublishQuota } from '#daemon/identity/teams/media-quotas.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import { FairTurns } from '#daemon/platform/fair-turns.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import { type EndpointPolicy, endpointProblem } from '#daemon/platform/net/endpoint-policy.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import { MASK } from '#shared/config/annotations.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type {
  CreatedIngress,
  CreateIngressBody,
  IngressKey,
  IngressQuery,
  IngressRow,
} from '#shared/schema/ingress.ts';
import { shownAddress } from '#shared/secrets.ts';
import type { LiveKit } from '../livekit/client.ts';
import { LiveKitError, toApiError } from '../livekit/errors.ts';
import type { IngressDetails } from '../livekit/event.ts';
import type { RoomPlacer } from '../streams/room-placer.ts';

/** How long a room that was placed for an ingest waits for its encoder. */
const ROOM_WAITS_S = 3600;
const RTMP_PORT = 1935;
const WHIP_PORT = 8080;

export interface IngressServiceDeps {
  livekit: LiveKit;
  apps: { require(name: string): AppEntry; forRoom(room: string): AppEntry | undefined; turnOf(name: string): string };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  placer: RoomPlacer;
  quotas: PublishQuota;
  /** Which sources may be fetched. */
  policy: EndpointPolicy;
  /** RTMP_PUBLIC_HOST: where encoders reach the ingress service, when LiveKit's configuration does not say. */
  rtmpHost: string;
  events: EventBus;
  log: Log<'warn'>;
}

/** The addresses that encoders send to. LiveKit stores them in its Redis; the daemon stores nothing. */
export class IngressService {
  readonly #deps: IngressServiceDeps;
  readonly #creating = new FairTurns();

  constructor(deps: IngressServiceDeps) {
    this.#deps = deps;
  }

  async list(name: string, query: IngressQuery) {
    const app = this.#deps.apps.require(name);
    const { limit = 100, offset = 0 } = query;
    const rows = (await this.#of(app, query.room)).map((one) => this.#row(one));
    rows.sort((a, b) => (a.name === b.name ? (a.id < b.id ? -1 : 1) : a.name < b.name ? -1 : 1));
    return { data: rows.slice(offset, offset + limit), total: rows.length, limit, offset };
  }

  async get(name: string, id: string): Promise<IngressRow> {
    return this.#row(await this.#find(name, id));
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
    const { rtmp, whip } = plan.ingest;
    if (body.type === 'rtmp' && !rtmp.isEnabled) throw new ApiError('FEATURE_OFF', { feature: 'rtmp.enabled' });
    const identity = body.identity ?? `ingest-${randomBytes(6).toString('hex')}`;
    await this.#deps.quotas.checkPublish(principal, app.tenantId, { room, identity });
    const { address, node } = await placer.place(room, {
      region: body.region,
      emptySeconds: ROOM_WAITS_S,
      playoutDelayMs: plan.room.playoutDelayMs,
    });
    const made = await this.#make(apps.turnOf(name), {
      type: body.type,
      room,
      identity,
      name: body.name ?? '',
      ...(body.url === undefined ? {} : { url: body.url }),
      isTranscoding: whip.isTranscoding,
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

  async remove(name: string, id: string, actor: Actor): Promise<void> {
    const one = await this.#find(name, id);
    const { tenantId: tenant } = this.#deps.apps.require(name);
    await this.#ask(this.#deps.livekit.deleteIngress(id));
    this.#deps.events.publish({
      type: 'ingress.deleted',
      app: name,
      tenant,
      actor,
      data: { id, name: one.name, room: one.room },
    });
  }

  /** Before an app is deleted, so that no encoder continues into rooms of nobody; what cannot be removed is only logged. */
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

  #checkSource({ type, url }: CreateIngressBody): void {
    if (type !== 'url') {
      if (url !== undefined) throw fieldError('body.url', 'is only for type url');
      return;
    }
    if (url === undefined) throw fieldError('body.url', 'is required for type url');
    const problem = /^(?:rtmps?|srt|rtsps?):\/\//i.test(url)
      ? endpointProblem(url.replace(/^\w+:/, 'http:'), this.#deps.policy)
      : endpointProblem(url, this.#deps.policy);
    if (problem !== undefined) throw fieldError('body.url', problem);
  }

  async #make(turn: string, order: Parameters<LiveKit['createIngress']>[0]): Promise<IngressDetails> {
    const make = () => this.#deps.livekit.createIngress(order);
    try {
      // of several made at the same time LiveKit forgets some, though it answers with each: its store gives up after a few lost races.
      // A source waits for the service that fetches it, and must not keep the others waiting
      return await (order.type === 'url' ? make() : this.#creating.run(turn, { all: 1 }, make));
    } catch (error) {
      if (order.type === 'url' && error instanceof LiveKitError && error.failure === 'busy') {
        throw new ApiError('INGRESS_NOT_TAKEN', { reason: `${error.message}.` });
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
      status: one.status,
      error: one.error || null,
      startedAt: one.startedAt === null ? null : new Date(one.startedAt).toISOString(),
    };
  }

  /** Where the encoder sends to: what LiveKit's configuration says, else the host that operators gave, else the node's. */
  #addressOf(one: IngressDetails, placedAt: string): string {
    if (one.type === 'rtsp') return shownAddress(one.url, MASK);
    if (one.url !== '') return one.url;
    const host = this.#deps.rtmpHost || hostOf(placedAt || this.#deps.placer.entryAddress());
    return one.type === 'rtmp' ? `rtmp://${host}:${RTMP_PORT}/live` : `http://${host}:${WHIP_PORT}/w`;
  }
}

const hostOf = (url: string): string => URL.parse(url)?.hostname ?? '';
