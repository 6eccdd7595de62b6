import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { FairTurns } from '#daemon/platform/fair-turns.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import type { MqttPlan } from '#shared/delivery/plan.ts';
import { LOG_LEVEL_NAMES, type LogRow } from '#shared/schema/logs.ts';
import { backoff } from '../callbacks/backoff.ts';
import { type Broker, type BrokerTarget, openBroker } from './broker.ts';
import { BrokerFailure } from './failures.ts';
import { RetainedStates } from './retained.ts';
import { topics } from './topics.ts';

/** Longest wait between two connections. */
const LONGEST_WAIT_MS = 60_000;
/** After a connection that lasted so long, the next wait is short again. */
const GOOD_MS = 30_000;
/** Changes of rows within this time are published together. */
const GATHER_MS = 100;
/** Connections being made: over all apps, and for one team. */
const OPENING = 64;
const OPENING_PER_TEAM = 4;
/** Log lines on their way to the broker; more are left out. */
const MAX_LINES = 200;
/** The part of the daemon that writes about MQTT: its lines are not published, or each would cause the next. */
export const LOG_SOURCE = 'mqtt';

export interface LinkDeps {
  app: string;
  /** Who takes turns: the app's team. */
  turn: string;
  target: BrokerTarget;
  plan: MqttPlan;
  databases: AppDatabases;
  config(): Promise<AppConfig>;
  policy: EndpointPolicy;
  turns: FairTurns;
  background: Background;
  clock: Clock;
  log: Log<'info' | 'warn'>;
  /** Called when the connection opens or ends. */
  onChange(link: MqttLink): void;
}

export interface LinkState {
  state: 'connecting' | 'connected' | 'waiting';
  /** Milliseconds since 1970. */
  connectedSince: number | null;
  /** Since when there has been no connection; null = there is one, or the first attempt is under way. */
  awaySince: number | null;
  nextAttemptAt: number | null;
  lastError: string | null;
}

/** The connection of one app to its broker: opened again and again, with the app's state in retained topics. */
export class MqttLink {
  readonly #deps: LinkDeps;
  readonly #abort = new AbortController();
  #broker: Broker | undefined;
  #states: RetainedStates | undefined;
  #syncing: Promise<void> = Promise.resolve();
  #cancelSync: (() => void) | undefined;
  #cancelWait: (() => void) | undefined;
  #running: Promise<unknown> = Promise.resolve();
  /** Set when it is closed. */
  #isForGood = false;
  #failures = 0;
  #lines = 0;
  #dropped = 0;
  #state: LinkState = {
    state: 'connecting',
    connectedSince: null,
    awaySince: null,
    nextAttemptAt: null,
    lastError: null,
  };

  constructor(deps: LinkDeps) {
    this.#deps = deps;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The open connection, if there is one. */
  get broker(): Broker | undefined {
    return this.#broker?.isOpen ? this.#broker : undefined;
  }

  get plan(): MqttPlan {
    return this.#deps.plan;
  }

  open(): void {
    this.#running = this.#deps.background.run('MQTT connections', () => this.#connect());
  }

  /**
   * Ends the connection with a goodbye: the retained state says offline.
   * @param isForGood the topics of streams and recordings are cleared, because the app publishes there no more
   */
  async close({ isForGood }: { isForGood: boolean }): Promise<void> {
    this.#isForGood = isForGood;
    this.#abort.abort();
    this.#cancelWait?.();
    this.#cancelSync?.();
    const broker = this.broker;
    // one that is being opened ends itself
    if (broker === undefined) return void (await this.#running);
    this.#broker = undefined;
    await this.#end(broker);
  }

  async #end(broker: Broker): Promise<void> {
    try {
      if (this.#isForGood) await this.#states?.clear();
      await this.#tellApp(broker, false);
    } catch {
      // the broker publishes the will instead
    }
    await broker.end();
  }

  /** Rows of streams or recordings changed. */
  statesChanged(): void {
    if (this.#abort.signal.aborted || this.broker === undefined) return;
    this.#cancelSync ??= this.#deps.background.after('MQTT states', GATHER_MS, () => {
      this.#cancelSync = undefined;
      return this.#sync();
    });
  }

  /** Publishes a line of the app's log, if log lines are enabled and the broker keeps up. Nothing waits for it. */
  logLine(row: LogRow): void {
    const { plan, background } = this.#deps;
    const broker = this.broker;
    if (broker === undefined || plan.logLevel === null || row.source === LOG_SOURCE) return;
    if (LOG_LEVEL_NAMES.indexOf(row.level) < LOG_LEVEL_NAMES.indexOf(plan.logLevel)) return;
    if (this.#lines >= MAX_LINES || broker.isFull) {
      this.#dropped += 1;
      return;
    }
    const { id: _id, appId: _app, metaJson, ...line } = row;
    const text = JSON.stringify({
      app: this.#deps.app,
      ...line,
      data: metaJson === null ? {} : (JSON.parse(metaJson) as unknown),
      ...(this.#dropped === 0 ? {} : { dropped: this.#dropped }),
    });
    this.#dropped = 0;
    this.#lines += 1;
    background.run('MQTT log lines', async () => {
      try {
        await broker.publish(topics.logs(plan.topicPrefix), text, { qos: 0 });
      } catch {
        // a line may get lost; the connection reports why
      } finally {
        this.#lines -= 1;
      }
    });
  }

  async #connect(): Promise<void> {
    const { turns, turn, target, policy, plan, app, clock, log } = this.#deps;
    const { signal } = this.#abort;
    this.#state = { ...this.#state, state: 'connecting', nextAttemptAt: null };
    try {
      const bounds = { all: OPENING, [`of ${turn}`]: OPENING_PER_TEAM };
      const will = { topic: topics.app(plan.topicPrefix), payload: this.#appState(false), qos: plan.qos };
      const broker = await turns.run(turn, bounds, () => openBroker(target, { policy, will, signal }), signal);
      if (signal.aborted) return void (await broker.end());
      await this.#take(broker);
      if (signal.aborted) return;
    } catch (error) {
      if (signal.aborted) return;
      // a database that fails concerns this link only, and is tried again like a broker
      this.#away(error instanceof BrokerFailure ? error.message : 'The state of the app could not be read.');
      if (!(error instanceof BrokerFailure)) log.warn({ app, err: error }, 'the MQTT connection could not be used');
      return;
    }
    this.#state = { ...this.#state, state: 'connected', connectedSince: clock.now(), awaySince: null, lastError: null };
    log.info({ app }, 'connected to the MQTT broker');
    this.#deps.onChange(this);
  }

  /** Makes the connection the link's own, and publishes what is so now. */
  async #take(broker: Broker): Promise<void> {
    const { app, databases, plan, log, background, clock } = this.#deps;
    const since = clock.monotonic();
    const refused = new Set<string>();
    this.#states = new RetainedStates({
      app,
      databases,
      broker,
      prefix: plan.topicPrefix,
      qos: plan.qos,
      onRefused: (topic, reason) => {
        if (refused.has(reason)) return;
        refused.add(reason);
        log.warn({ app, topic, reason }, 'the MQTT broker does not take a state topic');
      },
    });
    try {
      await this.#tellApp(broker, true);
      if (this.#abort.signal.aborted) return await this.#end(broker);
      this.#broker = broker;
      await this.#sync();
    } catch (error) {
      broker.destroy();
      throw error;
    }
    background.run('MQTT connections', async () => {
      const reason = await broker.closed;
      if (this.#broker !== broker) return;
      if (clock.monotonic() - since > GOOD_MS) this.#failures = 0;
      this.#away(reason);
    });
  }

  /** Waits without a connection, then tries again. */
  #away(reason: string): void {
    const { app, background, clock, log } = this.#deps;
    this.#broker = undefined;
    this.#states = undefined;
    this.#failures += 1;
    const wait = Math.min(backoff(this.#failures), LONGEST_WAIT_MS);
    const isNews = this.#state.awaySince === null || this.#state.lastError !== reason;
    this.#state = {
      state: 'waiting',
      connectedSince: null,
      awaySince: this.#state.awaySince ?? clock.now(),
      nextAttemptAt: Math.round(clock.now() + wait),
      lastError: reason,
    };
    this.#cancelWait = background.after('MQTT connections', wait, () => this.open());
    if (!isNews) return;
    log.warn({ app, error: reason }, 'no connection to the MQTT broker; retrying');
    this.#deps.onChange(this);
  }

  /** One after another: the last one publishes how it is then. */
  #sync(): Promise<void> {
    const next = this.#syncing.then(async () => {
      const config = await this.#deps.config();
      if (this.broker !== undefined) await this.#states?.sync(config);
    });
    this.#syncing = next.catch(() => {});
    return next;
  }

  #tellApp(broker: Broker, isOnline: boolean): Promise<void> {
    const { plan } = this.#deps;
    return broker.publish(topics.app(plan.topicPrefix), this.#appState(isOnline), { qos: plan.qos, retain: true });
  }

  #appState(isOnline: boolean): string {
    const { app, clock } = this.#deps;
    const since = isOnline ? { since: new Date(clock.now()).toISOString() } : {};
    return JSON.stringify({ app, state: isOnline ? 'online' : 'offline', ...since });
  }
}
