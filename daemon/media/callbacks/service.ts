import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { ApiError } from '#shared/errors.ts';
import type { CallbackState, Delivery, DeliveryDetail, DeliveryQuery, SkipBody } from '#shared/schema/callbacks.ts';
import { type CallbackDelivery, instant } from './delivery.ts';
import { LIFETIME_MS, messageOf, type OutboxRow, outboxRepository } from './outbox.ts';

const DAY_MS = 86_400_000;

export interface CallbackServiceDeps {
  databases: AppDatabases;
  apps: { require(name: string): AppEntry };
  config: { get(app: string): Promise<AppConfig> };
  delivery: CallbackDelivery;
  clock?: Clock;
}

/** What operators see of callbacks and do with them: the state of a receiver, the deliveries, sending again. */
export class CallbackService {
  readonly #deps: CallbackServiceDeps;
  readonly #clock: Clock;

  constructor(deps: CallbackServiceDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  async state(app: string): Promise<CallbackState> {
    this.#deps.apps.require(app);
    const { url } = (await this.#deps.config.get(app)).callbacks;
    const outbox = outboxRepository(this.#deps.databases.get(app));
    const queue = this.#deps.delivery.state(app);
    const pending = outbox.count('pending');
    return {
      url: withoutPassword(url),
      signed: (await this.#deps.delivery.secret(app)) !== '',
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
    const { limit = 100, offset = 0, ...filter } = query;
    const { rows, total } = outboxRepository(this.#deps.databases.get(app)).page(filter, { limit, offset });
    return { data: rows.map((row) => this.#delivery(app, row)), total, limit, offset };
  }

  get(app: string, id: string): DeliveryDetail {
    const row = this.#require(app, id);
    return { ...this.#delivery(app, row), message: messageOf(app, row) };
  }

  /** The same message under the same id; being older, it is sent before what waits. */
  async redeliver(app: string, id: string): Promise<Delivery> {
    this.#require(app, id);
    await this.#requireUrl(app);
    const outbox = outboxRepository(this.#deps.databases.get(app));
    outbox.revive(id, this.#clock.now() + LIFETIME_MS);
    this.#deps.delivery.retryNow(app);
    return this.#delivery(app, this.#require(app, id));
  }

  async redeliverDead(app: string): Promise<number> {
    this.#deps.apps.require(app);
    await this.#requireUrl(app);
    const count = outboxRepository(this.#deps.databases.get(app)).reviveDead(this.#clock.now() + LIFETIME_MS);
    this.#deps.delivery.retryNow(app);
    return count;
  }

  /**
   * Gives up the delivery that is next, or all up to a number or time, so that those after it are sent. They are kept in
   * the dead-letter list.
   */
  skip(app: string, { untilSeq, untilTime }: SkipBody, actor: Actor): number {
    this.#deps.apps.require(app);
    const outbox = outboxRepository(this.#deps.databases.get(app));
    const next = outbox.head();
    if (next === undefined) return 0;
    const isOne = untilSeq === undefined && untilTime === undefined;
    const now = new Date(this.#clock.now()).toISOString();
    const count = outbox.skip(now, `Skipped by ${actor.label ?? actor.id}.`, {
      seq: isOne ? next.seq : (untilSeq ?? Number.MAX_SAFE_INTEGER),
      time: untilTime === undefined ? null : new Date(untilTime).toISOString(),
    });
    if (count > 0) this.#deps.delivery.skipped(app);
    return count;
  }

  async test(app: string, actor: Actor): Promise<Delivery> {
    this.#deps.apps.require(app);
    await this.#requireUrl(app);
    const outbox = outboxRepository(this.#deps.databases.get(app));
    const data = { message: 'A test of the callbacks.', by: actor.label ?? actor.id };
    const id = outbox.add({ event: 'test', room: null, data, at: this.#clock.now() });
    this.#deps.delivery.retryNow(app);
    return this.#delivery(app, this.#require(app, id));
  }

  async #requireUrl(app: string): Promise<void> {
    if ((await this.#deps.config.get(app)).callbacks.url === '') throw new ApiError('CALLBACKS_OFF');
  }

  #require(app: string, id: string): OutboxRow {
    this.#deps.apps.require(app);
    const row = outboxRepository(this.#deps.databases.get(app)).get(id);
    if (row === undefined) throw new ApiError('DELIVERY_NOT_FOUND', { id });
    return row;
  }

  #delivery(app: string, row: OutboxRow): Delivery {
    const nextAt = this.#deps.delivery.state(app).nextAt;
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

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  if (parsed.username === '' && parsed.password === '') return url;
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}
