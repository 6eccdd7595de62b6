import type { LiveKit } from '#daemon/media/livekit/client.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Mailer } from '#daemon/platform/mail/mailer.ts';
import { isHidden } from '#daemon/platform/setting-types.ts';
import type { SettingValues } from '#daemon/platform/settings.ts';
import type { SettingChanges } from '#daemon/platform/settings-store.ts';
import { SETTINGS } from '#daemon/platform/settings-table.ts';
import type { ConnectionName, ConnectionTest } from '#shared/schema/connections.ts';
import { livekitSteps } from './livekit.ts';
import { mailSteps } from './mail.ts';
import { redisSteps } from './redis.ts';
import { runSteps, type Step } from './steps.ts';

/** What a test works with. */
interface Tested {
  settings: SettingValues;
  livekit: LiveKit;
  mailer: Mailer;
}

export interface ConnectionDeps extends Tested {
  /** Clients for settings that are not active. */
  openLiveKit(settings: SettingValues): LiveKit;
  openMailer(settings: SettingValues): Mailer;
  /** Keeps a value out of the log. @returns the end of it */
  conceal(value: string): () => void;
  log: Log<'error'>;
}

/** Tries what the daemon works with, step by step. Addresses are the operator's own, so any may be tried. */
export class ConnectionTests {
  readonly #deps: ConnectionDeps;
  readonly #running = new Map<ConnectionName, Promise<ConnectionTest>>();

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  /** With the active settings. Never rejects; callers at the same time share one test. */
  test(connection: ConnectionName): Promise<ConnectionTest> {
    const running = this.#running.get(connection);
    if (running !== undefined) return running;
    const test = this.#run(connection, this.#deps).finally(() => this.#running.delete(connection));
    this.#running.set(connection, test);
    return test;
  }

  /**
   * With settings that are not active. Never rejects.
   * @param changes what is new in them
   * @param sendTo address that gets a mail, too
   */
  async testNew(
    connection: ConnectionName,
    wanted: SettingValues,
    changes: SettingChanges,
    sendTo?: string,
  ): Promise<ConnectionTest> {
    const { openLiveKit, openMailer, conceal } = this.#deps;
    const hidden = [...changes].flatMap(([key, text]) => (text !== null && isHidden(SETTINGS[key]) ? [text] : []));
    const ends = hidden.map((text) => conceal(text));
    // the address that nodes get takes precedence, unless the other one is new
    const isOwnRedis = changes.has('redisUrl') && !changes.has('clusterRedisUrl');
    const settings = isOwnRedis ? { ...wanted, clusterRedisUrl: '' } : wanted;
    const mailer = openMailer(settings);
    try {
      return await this.#run(connection, { settings, livekit: openLiveKit(settings), mailer }, sendTo);
    } finally {
      await mailer.close().catch(() => {});
      for (const end of ends) end();
    }
  }

  async #run(connection: ConnectionName, tested: Tested, sendTo?: string): Promise<ConnectionTest> {
    const steps = await runSteps(stepsOf(connection, tested, sendTo), (error) =>
      this.#deps.log.error({ err: error, connection }, 'a connection test failed unexpectedly'),
    );
    return { connection, ok: steps.every(({ state }) => state !== 'failed'), steps };
  }
}

function stepsOf(connection: ConnectionName, { settings, livekit, mailer }: Tested, sendTo?: string): Step[] {
  switch (connection) {
    case 'livekit':
      return livekitSteps(settings, livekit);
    case 'redis':
      return redisSteps(settings);
    case 'mail':
      return mailSteps(settings, mailer, sendTo);
  }
}
