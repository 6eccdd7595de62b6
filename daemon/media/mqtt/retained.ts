import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { streamPayload, vodPayload } from '../callbacks/payloads.ts';
import { streamRepository } from '../streams/repository.ts';
import { vodRepository } from '../vods/repository.ts';
import type { Broker, Qos } from './broker.ts';
import { BrokerFailure } from './failures.ts';
import { topics } from './topics.ts';

/** States of one kind that are published; an app with more has the first ones only. */
const MOST = 1000;

/** SQL of `mqtt_retained`: the topics that brokers keep for the app. */
const retainedRepository = prepared((db: Db) => {
  const all = db.prepare<[], string>('SELECT topic FROM mqtt_retained ORDER BY topic').pluck();
  const add = db.prepare<[string]>('INSERT OR IGNORE INTO mqtt_retained (topic) VALUES (?)');
  const remove = db.prepare<[string]>('DELETE FROM mqtt_retained WHERE topic = ?');
  return {
    all: () => all.all(),
    add: (topic: string) => void add.run(topic),
    remove: (topic: string) => void remove.run(topic),
  };
});

export interface RetainedStatesDeps {
  app: string;
  databases: AppDatabases;
  broker: Broker;
  prefix: string;
  qos: Qos;
  /** The broker does not take this topic. */
  onRefused(topic: string, reason: string): void;
}

/**
 * The retained topics of streams and recordings over one connection. Current ones are published, ended ones are cleared,
 * also what ended while there was no connection or no daemon.
 */
export class RetainedStates {
  readonly #deps: RetainedStatesDeps;
  /** What the broker has now. */
  readonly #sent = new Map<string, string>();
  #isCleared = false;

  constructor(deps: RetainedStatesDeps) {
    this.#deps = deps;
  }

  /** Brings the topics in step with the rows. @throws BrokerFailure */
  async sync(config: AppConfig): Promise<void> {
    const wanted = this.#wanted(config);
    for (const topic of this.#rows().all()) {
      if (wanted.has(topic) || this.#isCleared) continue;
      await this.#publish(topic, '');
      this.#sent.delete(topic);
      this.#rows().remove(topic);
    }
    for (const [topic, payload] of wanted) {
      if (this.#isCleared || this.#sent.get(topic) === payload) continue;
      // note it first: a topic that is published but forgotten would stay forever
      this.#rows().add(topic);
      await this.#publish(topic, payload);
      this.#sent.set(topic, payload);
    }
  }

  /** Clears all of them: the app is deleted, or publishes elsewhere from now on. @throws BrokerFailure */
  async clear(): Promise<void> {
    this.#isCleared = true;
    for (const topic of [...this.#sent.keys()]) {
      await this.#publish(topic, '');
      try {
        this.#rows().remove(topic);
      } catch {
        // of a deleted app there is no database any more
      }
    }
  }

  /** Skip a topic that the broker refuses, so that events aren't held up. */
  async #publish(topic: string, payload: string): Promise<void> {
    const { broker, qos, onRefused } = this.#deps;
    try {
      await broker.publish(topic, payload, { qos, retain: true });
    } catch (error) {
      if (!broker.isOpen || !(error instanceof BrokerFailure)) throw error;
      onRefused(topic, error.message);
    }
  }

  #rows() {
    return retainedRepository(this.#deps.databases.get(this.#deps.app));
  }

  #wanted(config: AppConfig): Map<string, string> {
    const { databases, app, prefix } = this.#deps;
    const db = databases.get(app);
    const streams = streamRepository(db).active().slice(0, MOST);
    const recordings = vodRepository(db).open().slice(0, MOST);
    return new Map([
      ...streams.map((row): [string, string] => [
        topics.stream(prefix, row.stream_id),
        JSON.stringify({ state: 'live', ...streamPayload(row) }),
      ]),
      ...recordings.map((row): [string, string] => [
        topics.recording(prefix, row.id),
        JSON.stringify({ state: row.status, ...vodPayload(row, config) }),
      ]),
    ]);
  }
}
