import { createHmac } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { DaemonEvent, EventBus } from '#daemon/platform/events/bus.ts';
import { FairTurns } from '#daemon/platform/fair-turns.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { MASK } from '#shared/config/annotations.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { type MqttPlan, mqttPlan } from '#shared/delivery/plan.ts';
import { EVENT_TYPES } from '#shared/schema/events.ts';
import type { LogRow } from '#shared/schema/logs.ts';
import type { MqttState, MqttTestResult } from '#shared/schema/mqtt.ts';
import { shownAddress } from '#shared/secrets.ts';
import { type Channel, instant } from '../callbacks/delivery.ts';
import { messageOf, type OutboxRow } from '../callbacks/outbox.ts';
import { again, type SendResult } from '../callbacks/sender.ts';
import { type CallbackService, requireMqtt } from '../callbacks/service.ts';
import type { BrokerTarget } from './broker.ts';
import { BrokerFailure } from './failures.ts';
import { MqttLink } from './link.ts';
import { testBroker } from './test-broker.ts';
import { topics } from './topics.ts';

const FIRST_LOOK_MS = 500;

export interface MqttServiceDeps {
  databases: AppDatabases;
  apps: {
    require(name: string): AppEntry;
    get(name: string): AppEntry | undefined;
    entries(): Iterable<AppEntry>;
    turnOf(name: string): string;
    noteTrouble(name: string, code: 'MQTT_AWAY', trouble: { message: string; since: string } | null): void;
  };
  config: { get(app: string): Promise<AppConfig> };
  /** The stored password, or empty. */
  password(app: string): string;
  /** Makes the ids under which brokers know this installation. */
  idKey: Buffer;
  policy: EndpointPolicy;
  bus: EventBus;
  background: Background;
  clock: Clock;
  log: Log<'info' | 'warn'>;
}

interface OpenLink {
  link: MqttLink;
  /** The settings that it was opened with: another text means another connection. */
  settings: string;
}

/** Publishes what happens in apps to their brokers. The library is loaded when the first app asks for it. */
export class MqttService {
  readonly #deps: MqttServiceDeps;
  readonly #links = new Map<string, OpenLink>();
  /** The running change of an app's connection; the next one waits for it. */
  readonly #following = new Map<string, Promise<unknown>>();
  readonly #turns = new FairTurns();
  #cancelLook: (() => void) | undefined;
  #detach: (() => void) | undefined;
  #isStopped = false;
  /** The config of every app was read once since the start. */
  hasReadConfigs = false;
  #onConnected: (app: string) => void = () => {};

  constructor(deps: MqttServiceDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { background, bus } = this.#deps;
    this.#cancelLook = background.after('MQTT connections', FIRST_LOOK_MS, () => this.#lookThrough());
    this.#detach = bus.subscribe((event) => this.#hear(event));
  }

  /** Tells every broker that its app is offline. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#detach?.();
    this.#cancelLook?.();
    await Promise.allSettled(this.#following.values());
    await Promise.allSettled([...this.#links.values()].map(({ link }) => link.close({ isForGood: false })));
    this.#links.clear();
  }

  /** Called when an app's connection opens. */
  onConnected(listener: (app: string) => void): void {
    this.#onConnected = listener;
  }

  /** Does any app want log lines? */
  wantsLogs(): boolean {
    for (const { link } of this.#links.values()) if (link.plan.logLevel !== null) return true;
    return false;
  }

  /** The apps that publish, and whether there is a connection. */
  connections(): { app: string; isConnected: boolean }[] {
    return [...this.#links].map(([app, { link }]) => ({ app, isConnected: link.broker !== undefined }));
  }

  /** How the outbox reaches the broker. */
  channel(): Channel {
    return {
      receiver: 'mqtt',
      words: { all: 'MQTT events', one: 'an MQTT event', off: 'MQTT was turned off.' },
      open: async (app) => {
        const plan = mqttPlan(await this.#deps.config.get(app));
        if (plan === null) return null;
        const send = (row: OutboxRow) => this.#send(app, plan, row.event, JSON.stringify(messageOf(app, row)));
        return { address: plan.url, send };
      },
      close: () => {},
    };
  }

  async #send(app: string, plan: MqttPlan, event: string, body: string): Promise<SendResult> {
    const link = this.#links.get(app)?.link;
    const broker = link?.broker;
    if (broker === undefined) {
      return { ...again(link?.state.lastError ?? 'There is no connection to the broker yet.'), isUnsent: true };
    }
    try {
      await broker.publish(topics.event(plan.topicPrefix, event), body, { qos: plan.qos });
      return { isDelivered: true, status: null, error: null, isRetryable: false, isRefusal: false, retryAfterMs: null };
    } catch (error) {
      if (!(error instanceof BrokerFailure)) throw error;
      return { ...again(error.message), isUnsent: error.step !== 'publish' };
    }
  }

  /** `GET /apps/{app}/mqtt`. */
  async state(app: string, callbacks: CallbackService): Promise<MqttState> {
    this.#deps.apps.require(app);
    const plan = mqttPlan(await this.#deps.config.get(app));
    const link = plan === null ? undefined : this.#links.get(app)?.link.state;
    const { lastError, ...figures } = callbacks.figures(app, 'mqtt');
    return {
      state: plan === null ? 'off' : (link?.state ?? 'connecting'),
      url: shownAddress(plan?.url ?? '', MASK),
      topicPrefix: plan?.topicPrefix ?? '',
      passwordSet: this.#deps.password(app) !== '',
      connectedSince: instant(link?.connectedSince ?? null),
      disconnectedSince: instant(link?.awaySince ?? null),
      nextConnectionAt: instant(link?.nextAttemptAt ?? null),
      ...figures,
      lastError: link?.lastError ?? lastError,
    };
  }

  /** `POST /apps/{app}/mqtt/test`: a separate connection, and a message on the test topic. */
  async test(app: string): Promise<MqttTestResult> {
    const entry = this.#deps.apps.require(app);
    const plan = requireMqtt(await this.#deps.config.get(app));
    const target = this.#target(entry, plan, 'test');
    const { clock, policy } = this.#deps;
    const turn = this.#deps.apps.turnOf(app);
    const bounds = { tests: 16, [`tests of ${turn}`]: 2 };
    return this.#turns.run(turn, bounds, () => testBroker(app, target, plan, { policy, clock }));
  }

  #hear({ type, app, data }: DaemonEvent): void {
    if (app === undefined) return;
    if (type === 'log.line') this.#links.get(app)?.link.logLine(data as unknown as LogRow);
    else if (
      type === 'app.created' ||
      type === 'app.deleted' ||
      type === 'config.changed' ||
      type === 'config.reloaded'
    )
      this.#follow(app);
    else if (SHOWN_TOPICS.has(EVENT_TYPES[type])) this.#links.get(app)?.link.statesChanged();
  }

  async #lookThrough(): Promise<void> {
    for (const { name } of [...this.#deps.apps.entries()]) {
      if (this.#isStopped) return;
      await this.#follow(name);
      await nextTurn();
    }
    this.hasReadConfigs = true;
  }

  /** Makes the app's connection as its config says; one after another for each app. */
  #follow(app: string): Promise<unknown> {
    const before = this.#following.get(app) ?? Promise.resolve();
    const next: Promise<unknown> = before
      .then(() => this.#deps.background.run('MQTT connections', () => this.#adjust(app)))
      .then(() => {
        if (this.#following.get(app) === next) this.#following.delete(app);
      });
    this.#following.set(app, next);
    return next;
  }

  async #adjust(app: string): Promise<void> {
    if (this.#isStopped) return;
    const entry = this.#deps.apps.get(app);
    const plan = entry === undefined ? null : mqttPlan(await this.#deps.config.get(app));
    const open = this.#links.get(app);
    const target = entry === undefined || plan === null ? null : this.#target(entry, plan);
    // which events go there is decided when they are stored
    const settings = target === null ? '' : JSON.stringify([target, { ...plan, events: [] }]);
    if (open?.settings === settings) return;
    if (open !== undefined) {
      this.#links.delete(app);
      const isForGood = plan?.url !== open.link.plan.url || plan.topicPrefix !== open.link.plan.topicPrefix;
      await open.link.close({ isForGood });
    }
    this.#deps.apps.noteTrouble(app, 'MQTT_AWAY', null);
    if (entry === undefined || plan === null || target === null || this.#isStopped) return;
    const { databases, config, policy, background, clock, log, apps } = this.#deps;
    const link = new MqttLink({
      app,
      turn: apps.turnOf(app),
      target,
      plan,
      databases,
      config: () => config.get(app),
      policy,
      turns: this.#turns,
      background,
      clock,
      log,
      onChange: (changed) => this.#changed(app, changed),
    });
    this.#links.set(app, { link, settings });
    link.open();
  }

  #changed(app: string, link: MqttLink): void {
    if (this.#links.get(app)?.link !== link) return;
    const { apps, bus } = this.#deps;
    const { awaySince, lastError } = link.state;
    const tenant = apps.get(app)?.tenantId;
    if (awaySince === null) {
      apps.noteTrouble(app, 'MQTT_AWAY', null);
      bus.publish({ type: 'mqtt.connected', app, tenant, data: {} });
      this.#onConnected(app);
      return;
    }
    const message = `Events wait for the MQTT broker. ${lastError}`;
    apps.noteTrouble(app, 'MQTT_AWAY', { message, since: instant(awaySince) as string });
    bus.publish({ type: 'mqtt.disconnected', app, tenant, data: { error: lastError } });
  }

  /** Uses the name and password of the address if the config has none. */
  #target(entry: AppEntry, plan: MqttPlan, use = ''): BrokerTarget {
    const url = new URL(plan.url);
    return {
      url: plan.url,
      tls: plan.tls,
      username: plan.username || decodeURIComponent(url.username),
      password: this.#deps.password(entry.name) || decodeURIComponent(url.password),
      clientId: this.#clientId(entry, use),
    };
  }

  /**
   * The same after each start: a broker that still holds the last connection ends it, instead of publishing its will later.
   * 22 letters and digits, which every broker takes.
   * https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Toc398718031
   */
  #clientId(entry: AppEntry, use: string): string {
    const of = `${entry.id} ${entry.createdAt} ${use}`;
    return `sh${createHmac('sha256', this.#deps.idKey).update(of).digest('hex').slice(0, 20)}`;
  }
}

const SHOWN_TOPICS: ReadonlySet<string> = new Set(['streams', 'vods']);
