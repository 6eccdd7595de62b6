import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import { MASK } from '#shared/config/annotations.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { type MqttPlan, mqttPlan } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import type {
  CallbackState,
  Delivery,
  DeliveryDetail,
  DeliveryQuery,
  Receiver,
  ReceiverQuery,
  SkipBody,
} from '#shared/schema/callbacks.ts';
import { shownAddress } from '#shared/secrets.ts';
import { instant, type OutboxDelivery } from './delivery.ts';
import { LIFETIME_MS, messageOf, type OutboxRow } from './outbox.ts';

const DAY_MS = 86_400_000;

export interface CallbackServiceDeps {
  apps: { require(name: string): AppEntry };
  config: { get(app: string): Promise<AppConfig> };
  /** The stored signing secret, or empty. */
  secret(app: string): string;
  deliveries: Record<Receiver, OutboxDelivery>;
  clock?: Clock;
}

/** What operators see and do: the state of a receiver, its deliveries, sending again. */
export class CallbackService {
  readonly #deps: CallbackServiceDeps;
  readonly #clock: Clock;

  constructor(deps: CallbackServiceDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  async state(app: string): Promise<CallbackState> {
    this.#deps.apps.require(app);
    const { url, secret } = (await this.#deps.config.get(app)).callbacks;
    return {
      url: shownAddress(url, MASK),
      signed: (this.#deps.secret(app) || secret) !== '',
      ...this.figures(app, 'callback'),
    };
  }

  /** Why callbacks of an app are not delivered; null = they are, as far as is known. Asks no database. */
  failure(app: string): string | null {
    const { failingSince, lastError } = this.#deps.deliveries.callback.state(app);
    return failingSince === null ? null : (lastError ?? 'no reason was given');
  }

  /** How the deliveries to a receiver are going. */
  figures(app: string, receiver: Receiver): Omit<CallbackState, 'url' | 'signed'> {
    const delivery = this.#deps.deliveries[receiver];
    const outbox = delivery.outbox(app);
    const queue = delivery.state(app);
    const pending = outbox.count('pending');
    return {
      pending,
      dead: outbox.count('dead'),
      delivered24h: outbox.countDelivered(new Date(this.#clock.now() - DAY_MS).toISOString()),
      lastDeliveredAt: outbox.lastDelivered(),
      failingSince: instant(queue.failingSince),
      nextAttemptAt: pending > 0 && queue.nextAt > 0 ? instant(queue.nextAt) : null,
      lastError: queue.lastError,
    };
  }

  list(app: string, query: DeliveryQuery) {
    this.#deps.apps.require(app);
    const { limit = 100, offset = 0, receiver = 'callback', ...filter } = query;
    const { rows, total } = this.#deps.deliveries[receiver].outbox(app).page(filter, { limit, offset });
    return { data: rows.map((row) => this.#delivery(app, receiver, row)), total, limit, offset };
  }

  get(app: string, id: string, { receiver = 'callback' }: ReceiverQuery): DeliveryDetail {
    const row = this.#require(app, receiver, id);
    return { ...this.#delivery(app, receiver, row), message: messageOf(app, row) };
  }

  /** The same message under the same id; being older, it is sent before what waits. */
  async redeliver(app: string, id: string, { receiver = 'callback' }: ReceiverQuery): Promise<Delivery> {
    this.#require(app, receiver, id);
    await this.#requireOn(app, receiver);
    const delivery = this.#deps.deliveries[receiver];
    delivery.outbox(app).revive(id, this.#clock.now() + LIFETIME_MS);
    delivery.retryNow(app);
    return this.#delivery(app, receiver, this.#require(app, receiver, id));
  }

  async redeliverDead(app: string, { receiver = 'callback' }: ReceiverQuery): Promise<number> {
    this.#deps.apps.require(app);
    await this.#requireOn(app, receiver);
    const delivery = this.#deps.deliveries[receiver];
    const count = delivery.outbox(app).reviveDead(this.#clock.now() + LIFETIME_MS);
    delivery.retryNow(app);
    return count;
  }

  /**
   * Gives up the delivery that is next, or all up to a number or time, so that those after it are sent. They are kept in
   * the dead-letter list.
   */
  skip(
    app: string,
    { untilSeq, untilTime }: SkipBody,
    actor: Actor,
    { receiver = 'callback' }: ReceiverQuery = {},
  ): number {
    this.#deps.apps.require(app);
    const delivery = this.#deps.deliveries[receiver];
    const next = delivery.outbox(app).head();
    if (next === undefined) return 0;
    const isOne = untilSeq === undefined && untilTime === undefined;
    const now = new Date(this.#clock.now()).toISOString();
    const count = delivery.outbox(app).skip(now, `Skipped by ${actor.label ?? actor.id}.`, {
      seq: isOne ? next.seq : (untilSeq ?? Number.MAX_SAFE_INTEGER),
      time: untilTime === undefined ? null : new Date(untilTime).toISOString(),
    });
    if (count > 0) delivery.skipped(app);
    return count;
  }

  async test(app: string, actor: Actor): Promise<Delivery> {
    this.#deps.apps.require(app);
    await this.#requireOn(app, 'callback');
    const delivery = this.#deps.deliveries.callback;
    const data = { message: 'A test of the callbacks.', by: actor.label ?? actor.id };
    const id = delivery.outbox(app).add({ event: 'test', room: null, data, at: this.#clock.now() });
    delivery.retryNow(app);
    return this.#delivery(app, 'callback', this.#require(app, 'callback', id));
  }

  async #requireOn(app: string, receiver: Receiver): Promise<void> {
    const config = await this.#deps.config.get(app);
    if (receiver === 'mqtt') requireMqtt(config);
    else if (config.callbacks.url === '') throw new ApiError('CALLBACKS_OFF');
  }

  #require(app: string, receiver: Receiver, id: string): OutboxRow {
    this.#deps.apps.require(app);
    const row = this.#deps.deliveries[receiver].outbox(app).get(id);
    if (row === undefined) throw new ApiError('DELIVERY_NOT_FOUND', { id });
    return row;
  }

  #delivery(app: string, receiver: Receiver, row: OutboxRow): Delivery {
    const { nextAt } = this.#deps.deliveries[receiver].state(app);
    return {
      id: row.id,
      seq: row.seq,
      event: row.event,
      room: row.room,
      state: row.state,
      attempts: row.attempts,
      createdAt: row.created_at,
      lastAttemptAt: row.last_attempt_at,
      nextAttemptAt: row.state === 'pending' && nextAt > 0 ? instant(nextAt) : null,
      deliveredAt: row.state === 'delivered' ? row.done_at : null,
      lastStatus: row.last_status,
      lastError: row.last_error,
    };
  }
}

/** @throws ApiError MQTT_OFF */
export function requireMqtt(config: AppConfig): MqttPlan {
  const plan = mqttPlan(config);
  if (plan === null) throw new ApiError('MQTT_OFF');
  return plan;
}
