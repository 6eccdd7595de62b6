import type { LiveKit } from '#daemon/media/livekit/client.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Mailer } from '#daemon/platform/mail/mailer.ts';
import type { ConnectionName, ConnectionTest } from '#shared/schema/connections.ts';
import { type LiveKitSettings, livekitSteps } from './livekit.ts';
import { type MailSettings, mailSteps } from './mail.ts';
import { type RedisSettings, redisSteps } from './redis.ts';
import { runSteps, type Step } from './steps.ts';

export interface ConnectionDeps {
  settings: LiveKitSettings & RedisSettings & MailSettings;
  livekit: LiveKit;
  mailer: Mailer;
  log: Log<'error'>;
}

/** Tries what the daemon works with, step by step. Addresses are the operator's own, so any may be tried. */
export class ConnectionTests {
  readonly #deps: ConnectionDeps;
  readonly #running = new Map<ConnectionName, Promise<ConnectionTest>>();

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  /** Never rejects; callers at the same time share one test. */
  test(connection: ConnectionName): Promise<ConnectionTest> {
    const running = this.#running.get(connection);
    if (running !== undefined) return running;
    const test = this.#run(connection).finally(() => this.#running.delete(connection));
    this.#running.set(connection, test);
    return test;
  }

  async #run(connection: ConnectionName): Promise<ConnectionTest> {
    const steps = await runSteps(this.#steps(connection), (error) =>
      this.#deps.log.error({ err: error, connection }, 'a connection test failed unexpectedly'),
    );
    return { connection, ok: steps.every(({ state }) => state !== 'failed'), steps };
  }

  #steps(connection: ConnectionName): Step[] {
    const { settings, livekit, mailer } = this.#deps;
    switch (connection) {
      case 'livekit':
        return livekitSteps(settings, livekit);
      case 'redis':
        return redisSteps(settings);
      case 'mail':
        return mailSteps(settings, mailer);
    }
  }
}
