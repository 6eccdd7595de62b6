import path from 'node:path';
import type { Logger } from 'pino';
import { type VisibleApps, visibleApps } from '#shared/access.ts';
import { readPeriod } from '#shared/instants.ts';
import type {
  AppLogHistogramQuery,
  AppLogQuery,
  LogErrorQuery,
  LogErrors,
  LogHistogram,
  LogHistogramQuery,
  LogPage,
  LogQuery,
  LogRow,
} from '#shared/schema/logs.ts';
import type { Background, Repeated } from '../background.ts';
import type { Principal } from '../principal.ts';
import { FileSink } from './file-sink.ts';
import type { Logging } from './logger.ts';
import { type LogFilter, levelName, levelNumber, type StoredLog, type StoredLogRow } from './rows.ts';
import { LogStore } from './store.ts';
import { TableSink } from './table-sink.ts';

const FIRST_PASS_MS = 60_000;
const PASS_EVERY_MS = 6 * 3_600_000;
const DAY_MS = 86_400_000;
/** Lines of one batch that listeners are shown; a flood is for the search. */
const MAX_SHOWN = 100;

/** What the log needs to know about apps. */
interface LogApps {
  idOf(name: string): number | undefined;
  exists(id: number): boolean;
  /** Ids of the apps that a caller may see; undefined = all. */
  visibleIds(apps: VisibleApps): number[] | undefined;
  /** @throws ApiError APP_NOT_FOUND */
  require(name: string): { id: number };
}

export interface LogServiceOptions {
  background: Background;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
  logging: Logging;
  apps: LogApps;
  /** Folder of the log file and the table. */
  dir: string;
  maxBytes: number;
  maxFiles: number;
  /** 0 = no age limit. */
  retentionDays: number;
  maxRows: number;
  /** Shows lines to anyone who listens now; absent or false from `isHeard` = nobody does. */
  live?: { isHeard(): boolean; show(row: LogRow): void };
  /** Counts lines that could not be stored in the table. */
  countLost?(lines: number): void;
}

/** Keeps the log: the file and the table that lines go to, their retention, and the search. */
export class LogService {
  readonly #options: LogServiceOptions;
  readonly #log: Logger;
  readonly #store: LogStore;
  readonly #table: TableSink;
  #file: FileSink | undefined;
  #detach: (() => void)[] = [];
  #timer: Repeated | undefined;

  constructor(options: LogServiceOptions) {
    this.#options = options;
    this.#log = options.logging.log.child({ source: 'logs' });
    this.#store = new LogStore(path.join(options.dir, 'server-logs.db'), {
      onDamage: (keptAs) =>
        this.#log.error(
          { keptAs: path.basename(keptAs) },
          'the log table was damaged; it was set aside and a new one was created',
        ),
    });
    this.#table = new TableSink({
      background: options.background,
      insert: async (batch) => this.#show(batch, await this.#store.insert(batch)),
      appIdOf: (name) => options.apps.idOf(name),
      countLost: (lines) => options.countLost?.(lines),
      onLoss: (lines, code) => this.#log.warn({ lines, code }, 'log lines could not be stored in the table'),
    });
  }

  /** Begins to write lines to file and table. The data directory must be ours by now. */
  start(): void {
    const { logging, dir, maxBytes, maxFiles } = this.#options;
    this.#file = new FileSink({
      dir,
      maxBytes,
      maxFiles,
      background: this.#options.background,
      onTrouble: (code) => this.#log.warn({ code }, 'the log file cannot be written'),
    });
    this.#detach = [logging.addSink(this.#file), logging.addSink(this.#table)];
    this.#timer = this.#options.background.every('log retention', PASS_EVERY_MS, () => this.clean(), {
      first: FIRST_PASS_MS,
    });
  }

  /** Writes all that is held back and ends the thread. */
  async stop(): Promise<void> {
    this.#timer?.stop();
    await this.#table.flush();
    for (const detach of this.#detach) detach();
    await Promise.all([this.#table.flush().then(() => this.#store.close()), this.#file?.close()]);
  }

  /** Rows of the apps that the caller may see; with global scope also those of no app. */
  async search(query: LogQuery, principal: Principal): Promise<LogPage> {
    return this.#page(query, this.#visible(query.app, principal));
  }

  /** The same rows, counted over time. */
  async histogram(query: LogHistogramQuery, principal: Principal): Promise<LogHistogram> {
    return this.#count(query, this.#visible(query.app, principal));
  }

  /** The newest errors, each once. */
  async errors(query: LogErrorQuery, principal: Principal): Promise<LogErrors> {
    const apps = this.#visible(query.app, principal);
    if (apps?.length === 0) return { errors: [], more: false };
    const filter = { ...readPeriod(query), ...(apps === undefined ? {} : { apps }) };
    const { rows, more } = await this.#store.errors(filter, query.limit ?? 20);
    const errors = rows.map(({ count, firstTs, row }) => ({
      count,
      firstAt: new Date(firstTs).toISOString(),
      line: this.#row(row),
    }));
    return { errors, more };
  }

  /** @throws ApiError APP_NOT_FOUND */
  async histogramOfApp(name: string, query: AppLogHistogramQuery): Promise<LogHistogram> {
    return this.#count(query, [this.#options.apps.require(name).id]);
  }

  /** Apps whose rows the caller may see; undefined = all rows. */
  #visible(app: string | undefined, principal: Principal): number[] | undefined {
    const { apps } = this.#options;
    const all = apps.visibleIds(visibleApps(principal));
    if (!app) return all;
    const id = apps.idOf(app);
    return id === undefined || (all && !all.includes(id)) ? [] : [id];
  }

  /** @throws ApiError APP_NOT_FOUND */
  async searchApp(name: string, query: AppLogQuery): Promise<LogPage> {
    return this.#page(query, [this.#options.apps.require(name).id]);
  }

  /** The rows of a deleted app stay, as rows of no app. */
  async forgetApp(appId: number): Promise<void> {
    try {
      await this.#table.flush();
      await this.#store.forgetApp(appId);
    } catch (err) {
      // the next pass finds the app's rows again
      this.#log.warn({ err, appId }, 'rows of a deleted app could not be released yet');
    }
  }

  /** Removes what is too old or too much, and releases rows of apps that are gone. */
  async clean(now = (this.#options.retentionNow ?? Date.now)()): Promise<void> {
    const { retentionDays, maxRows, apps } = this.#options;
    const before = retentionDays > 0 ? now - retentionDays * DAY_MS : undefined;
    for (const id of await this.#store.appIds()) if (!apps.exists(id)) await this.#store.forgetApp(id);
    const removed = await this.#store.clean(before, maxRows);
    await this.#file?.tidy(before === undefined ? undefined : new Date(before));
    if (removed > 0) this.#log.info({ removed }, 'old log rows removed');
  }

  #show(batch: readonly StoredLog[], ids: readonly number[]): void {
    const { live } = this.#options;
    if (!live?.isHeard()) return;
    for (const [i, row] of batch.entries())
      if (i >= batch.length - MAX_SHOWN) live.show(this.#row({ ...row, id: ids[i] as number }));
  }

  async #page(query: AppLogQuery, apps: number[] | undefined): Promise<LogPage> {
    const filter = filterOf(query);
    if (apps !== undefined) filter.apps = apps;
    const { limit, offset } = filter;
    if (apps?.length === 0) return { data: [], total: 0, more: false, limit, offset };
    const { rows, total, more } = await this.#store.search(filter);
    return { data: rows.map((row) => this.#row(row)), total, more, limit, offset };
  }

  async #count(query: AppLogHistogramQuery, apps: number[] | undefined): Promise<LogHistogram> {
    const buckets = query.buckets ?? 60;
    const { order: _order, limit: _limit, offset: _offset, ...filter } = filterOf(query);
    const until = filter.until ?? Date.now();
    const ask = { ...filter, until, buckets, ...(apps === undefined ? {} : { apps }) };
    const { since, bucketMs, counts } =
      apps?.length === 0 ? { since: filter.since ?? until, bucketMs: 1, counts: [] } : await this.#store.histogram(ask);
    const list: LogHistogram['buckets'] = Array.from({ length: buckets }, (_, n) => ({
      ts: new Date(Math.round(since + n * bucketMs)).toISOString(),
      counts: {},
    }));
    let total = 0;
    for (const { bucket, level, rows } of counts) {
      total += rows;
      const at = list[Math.min(Math.max(bucket, 0), buckets - 1)];
      if (at) at.counts[levelName(level)] = (at.counts[levelName(level)] ?? 0) + rows;
    }
    return {
      since: new Date(since).toISOString(),
      until: new Date(until).toISOString(),
      bucketMs,
      total,
      buckets: list,
    };
  }

  #row(row: StoredLogRow): LogRow {
    const { id, ts, level, source, appId, message, metaJson } = row;
    return {
      id,
      ts: new Date(ts).toISOString(),
      level: levelName(level),
      source,
      // a deletion may still be releasing its rows
      appId: appId !== null && this.#options.apps.exists(appId) ? appId : null,
      message,
      metaJson,
    };
  }
}

/** Empty texts do not filter. */
function filterOf(query: AppLogQuery): LogFilter {
  const filter: LogFilter = {
    order: query.order ?? 'desc',
    limit: query.limit ?? 100,
    offset: query.offset ?? 0,
    ...readPeriod(query),
  };
  if (query.level) filter.level = levelNumber(query.level);
  if (query.source) filter.source = query.source;
  if (query.q) filter.q = query.q;
  return filter;
}
