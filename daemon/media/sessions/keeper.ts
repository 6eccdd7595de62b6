import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { telemetryRepository } from '../telemetry/repository.ts';
import { sessionReading } from './reading.ts';
import { type SessionRecord, sessionRepository } from './repository.ts';

const DAY_MS = 86_400_000;
const FIRST_LOOK_MS = 2000;
const SETTLE_AFTER_MS = 500;
const TIDY_EVERY_MS = 3_600_000;
/** Rows of one step; between two steps others have their turn. */
const STEP = 500;
/** Connections that are removed with all that was measured of them. */
const WHOLE_STEP = 20;
/** Connections that one app keeps; beyond, the oldest sessions are deleted, then the oldest connections of running ones. */
const MAX_STAYS = 5_000_000;
/** Samples of clients that one app keeps, about 200 MB; beyond, the oldest are deleted. */
const MAX_SAMPLES = 2_000_000;

export interface SessionKeeperDeps {
  databases: AppDatabases;
  apps: { entries(): Iterable<AppEntry>; get(name: string): AppEntry | undefined };
  config: { get(app: string): Promise<AppConfig> };
  background: Background;
  /** The time by which what is old is deleted. */
  retentionNow(): number;
  /** `MAX_STAYS` by default. */
  mostStays?: number;
  log: Log<'info' | 'warn'>;
}

/** Counts the peaks of ended sessions, deletes old ones, and knows which apps have any. */
export class SessionKeeper {
  readonly #deps: SessionKeeperDeps;
  /** When the newest session of each app with sessions began. */
  readonly #newest = new Map<number, number>();
  /** Apps with sessions whose peak may have to be counted. */
  readonly #unsettled = new Set<string>();
  #tidying: Repeated | undefined;
  #cancelSettling: (() => void) | undefined;
  #settling: Promise<void> | undefined;
  #scan: Promise<unknown> | undefined;
  #cancelScan: (() => void) | undefined;
  #isStopped = false;

  constructor(deps: SessionKeeperDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { background } = this.#deps;
    this.#cancelScan = background.after('apps with sessions', FIRST_LOOK_MS, () => this.known());
    this.#tidying = background.every('old sessions', TIDY_EVERY_MS, () => this.tidy());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelScan?.();
    this.#cancelSettling?.();
    await Promise.all([this.#tidying?.stop(), this.#scan, this.#settling]);
  }

  /** A session began. */
  began(appId: number, at: number): void {
    this.#newest.set(appId, Math.max(at, this.#newest.get(appId) ?? 0));
  }

  /** Something of an app's sessions changed. */
  changed(app: string): void {
    this.#unsettled.add(app);
    this.#settleSoon();
  }

  /** When the newest session of an app began; undefined = it has none. Call after `known()`. */
  newestOf(appId: number): number | undefined {
    return this.#newest.get(appId);
  }

  /** Resolves once it is known which apps have sessions: each database is looked into once. */
  async known(): Promise<void> {
    this.#scan ??= this.#deps.background.run('apps with sessions', async () => {
      for (const app of [...this.#deps.apps.entries()]) {
        if (this.#isStopped) return;
        try {
          const at = sessionReading(this.#deps.databases.get(app.name)).newest();
          if (at !== null) this.began(app.id, at);
          if (at !== null) this.changed(app.name);
        } catch {
          // a database that can't be read has no sessions to show
        }
        await nextTurn();
      }
    });
    await this.#scan;
  }

  /** Deletes what is older than the app's config allows, and what is too much. */
  async tidy(): Promise<void> {
    const { apps, config, databases, log } = this.#deps;
    for (const { name } of [...apps.entries()]) {
      if (this.#isStopped) return;
      try {
        const { analytics } = await config.get(name);
        const before = this.#deps.retentionNow() - analytics.retentionDays * DAY_MS;
        await this.#tidyApp(name, before);
      } catch (err) {
        if (apps.get(name) !== undefined && databases.refusal(name) === undefined)
          log.warn({ app: name, err }, 'old sessions could not be deleted');
      }
    }
  }

  async #tidyApp(name: string, before: number): Promise<void> {
    const { databases } = this.#deps;
    let removed = 0;
    let beyond = sessionRepository(databases.get(name)).beyond(this.#deps.mostStays ?? MAX_STAYS);
    let old: number | undefined;
    for (;;) {
      await nextTurn();
      if (this.#isStopped) return;
      const sql = sessionRepository(databases.get(name));
      if (sql.removeOld(before, STEP) > 0) continue;
      // one that was begun with is removed whole
      old ??= sql.endedBefore(before) ?? (beyond > 0 ? sql.oldestEnded() : undefined);
      const samples = telemetryRepository(databases.get(name));
      if (samples.size() > MAX_SAMPLES && samples.removeOldest(STEP) > 0) continue;
      if (old !== undefined && samples.removeOf(old, STEP) > 0) continue;
      const stays =
        old !== undefined ? sql.removeStays(old, STEP) : beyond > 0 ? sql.removeOver(Math.min(WHOLE_STEP, beyond)) : 0;
      beyond -= stays;
      if (stays > 0) continue;
      if (old === undefined) break;
      sql.remove(old);
      old = undefined;
      removed += 1;
    }
    if (removed > 0) this.#deps.log.info({ app: name, removed }, 'old sessions deleted');
  }

  #settleSoon(): void {
    if (this.#isStopped || this.#settling !== undefined) return;
    this.#cancelSettling ??= this.#deps.background.after('figures of sessions', SETTLE_AFTER_MS, async () => {
      this.#cancelSettling = undefined;
      this.#settling = this.#settleAll();
      try {
        await this.#settling;
      } finally {
        this.#settling = undefined;
        if (this.#unsettled.size > 0) this.#settleSoon();
      }
    });
  }

  async #settleAll(): Promise<void> {
    for (const app of [...this.#unsettled]) {
      this.#unsettled.delete(app);
      if (this.#deps.apps.get(app) === undefined) continue;
      for (const session of sessionRepository(this.#deps.databases.get(app)).unsettled()) {
        if (this.#isStopped) return;
        await this.#settle(app, session);
        // there may be more than one answer has
        this.#unsettled.add(app);
      }
    }
  }

  /** Most counted connections at the same time: those that end when others begin are not counted together. */
  async #settle(app: string, session: SessionRecord): Promise<void> {
    const starts: number[] = [];
    const ends: number[] = [];
    let after = { joined_at: Number.MIN_SAFE_INTEGER, id: 0 };
    for (;;) {
      const rows = sessionRepository(this.#deps.databases.get(app)).spans(session.id, after, STEP);
      for (const { joined_at, left_at } of rows) {
        starts.push(joined_at);
        ends.push(left_at ?? Math.max(session.ended_at ?? joined_at, joined_at));
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < STEP) break;
      after = last;
      await nextTurn();
    }
    ends.sort((a, b) => a - b);
    let [peak, gone] = [0, 0];
    for (const [index, start] of starts.entries()) {
      while ((ends[gone] as number) <= start && gone < index) gone += 1;
      peak = Math.max(peak, index + 1 - gone);
    }
    // of a long session, the oldest connections may be gone
    const most = starts.length < session.stays ? Math.max(peak, session.peak) : peak;
    sessionRepository(this.#deps.databases.get(app)).settle(session, most);
  }
}
