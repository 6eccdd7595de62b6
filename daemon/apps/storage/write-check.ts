import { hash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Log } from '#daemon/platform/log.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import { objectKey } from './keys.ts';
import type { StorageAccess } from './open-client.ts';
import type { PageAccess } from './page-access.ts';
import type { StorageCheckInput, StorageCheckOutput } from './tasks/storage-check.ts';
import { STORAGE_CHECK } from './tasks.ts';

/** How long an answer is used; a refusal is checked again soon, because people correct it. */
const ACCEPTED_MS = 300_000;
const REFUSED_MS = 5000;
/** A storage that takes longer has not refused. */
const LIMIT_MS = 5000;

export interface WriteCheckDeps {
  pool: WorkerPool;
  plugins: PluginService;
  pages: PageAccess;
  /** Public address of the daemon, whose pages play what is stored. */
  daemonUrl(): string;
  log: Log<'warn'>;
}

/** Checks before a recording whether the storage accepts it. */
export class WriteCheck {
  readonly #deps: WriteCheckDeps;
  readonly #answers = new LRUCache<string, Promise<string | undefined>>({ max: 1000 });

  constructor(deps: WriteCheckDeps) {
    this.#deps = deps;
  }

  /** Why the storage refuses new objects, as sentences; undefined when it takes them, or can't be asked. */
  async refusal(app: string, access: StorageAccess, prefix: string): Promise<string | undefined> {
    const { location, credentials } = access;
    const id = hash('sha256', JSON.stringify([app, location, credentials, prefix]));
    let answer = this.#answers.get(id);
    if (answer === undefined) {
      answer = this.#ask(app, access, objectKey(prefix, '.streamhub-check')).then((refusal) => {
        if (refusal !== undefined) this.#answers.set(id, Promise.resolve(refusal), { ttl: REFUSED_MS });
        return refusal;
      });
      this.#answers.set(id, answer, { ttl: ACCEPTED_MS });
    }
    return Promise.race([answer, wait(LIMIT_MS, undefined, { ref: false })]);
  }

  async #ask(app: string, access: StorageAccess, key: string): Promise<string | undefined> {
    const { pool, plugins, pages, daemonUrl } = this.#deps;
    const pageOrigin = new URL(daemonUrl()).origin;
    try {
      const checked = await plugins.withBroker(app, (port) =>
        pool.run<StorageCheckInput, StorageCheckOutput>(
          STORAGE_CHECK,
          { access, key, pageOrigin, port },
          { app, transfer: [port] },
        ),
      );
      if (checked.pages !== undefined) pages.note(access.location, checked.pages);
      return checked.refusal;
    } catch (err) {
      this.#deps.log.warn({ app, err }, 'the storage could not be checked before a recording');
      return undefined;
    }
  }
}
