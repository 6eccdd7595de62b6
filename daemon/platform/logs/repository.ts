import type { Statement } from 'better-sqlite3';
import { logMigrations } from '../db/logs/index.ts';
import { migrate } from '../db/migrate.ts';
import { type Db, openDatabase } from '../db/open.ts';
import type { LogCountFilter, LogCounts, LogFilter, LogPage, StoredLog, StoredLogRow } from './rows.ts';
import { type Place, TextBlocks } from './text-blocks.ts';

/** Rows in front of a page up to which it is put together from the partitions; beyond, time order is walked. */
const DEEP = 10_000;
/** Searches whose outcome is kept, so that asking again only looks at what was written since. */
const REMEMBERED = 64;
/** Places at the front of a search that are kept with its outcome. */
const HEAD = 1000;
/** Rows written since a search beyond which it is done anew. */
const MUCH_NEWER = 20_000;

/** Rows of one app and one level: one stretch of the search index. */
interface Partition {
  appId: number | null;
  level: number;
  rows: number;
}
interface Remembered {
  /** Id of the last row that was there. */
  upTo: number;
  total: number;
  /** The first places in the order of the search; all of them when there are `total`. */
  head: Place[];
}

const newestFirst = (a: Place, b: Place): number => b.ts - a.ts || b.id - a.id;
const oldestFirst = (a: Place, b: Place): number => a.ts - b.ts || a.id - b.id;
const orderOf = ({ order }: LogFilter) => (order === 'desc' ? newestFirst : oldestFirst);
const BEGINNING = -8.64e15;
const END = 8.64e15;

/** SQL of the log table. Synchronous; lives in a thread of its own, where a search over a million rows stalls nobody. */
export class LogRepository {
  readonly #db: Db;
  readonly #partitions = new Map<string, Partition>();
  readonly #remembered = new Map<string, Remembered>();
  readonly #statements = new Map<string, Statement<unknown[]>>();
  readonly #blocks: TextBlocks;
  #lastId: number;

  /** @param batchSize rows that the search's texts are made of at a time; smaller ones are for tests */
  constructor(file: string, batchSize?: number) {
    // 16 KiB pages: a scan of the index reads a quarter of the pages, and fewer are half empty
    this.#db = openDatabase(file, { durability: 'normal', pageSize: 16_384 });
    this.#db.pragma('cache_size = -8192');
    migrate(this.#db, logMigrations);
    const counts = this.#sql('SELECT app_id AS appId, level, count(*) AS rows FROM server_logs GROUP BY app_id, level');
    for (const partition of counts.all() as Partition[]) this.#partitions.set(keyOf(partition), partition);
    this.#lastId = (this.#sql('SELECT max(id) AS id FROM server_logs').get() as { id: number | null }).id ?? 0;
    this.#blocks = new TextBlocks(this.#db, batchSize);
  }

  get count(): number {
    let sum = 0;
    for (const { rows } of this.#partitions.values()) sum += rows;
    return sum;
  }

  /** Ids of all apps that have rows. */
  appIds(): number[] {
    return [...new Set([...this.#partitions.values()].flatMap(({ appId }) => (appId === null ? [] : [appId])))];
  }

  /** Writes a batch in one transaction. @returns the id of its last row; those before it count down */
  insert(batch: readonly StoredLog[]): number {
    const statement = this.#sql(
      'INSERT INTO server_logs (ts, level, source, app_id, message, meta_json) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#db.transaction(() => {
      for (const row of batch) statement.run(row.ts, row.level, row.source, row.appId, row.message, row.metaJson);
    })();
    for (const row of batch) this.#add(row.appId, row.level, 1);
    this.#lastId = (this.#sql('SELECT max(id) AS id FROM server_logs').get() as { id: number }).id;
    this.#blocks.grow(this.#lastId);
    return this.#lastId;
  }

  /** One page and the exact number of rows that match. */
  search(filter: LogFilter): LogPage {
    const partitions = this.#sought(filter);
    if (partitions.length === 0 || filter.q?.includes('\0')) return { rows: [], total: 0 };
    const { places, total } =
      filter.q === undefined && filter.source === undefined
        ? this.#browse(filter, partitions)
        : this.#find(filter, partitions);
    const byId = this.#sql(
      'SELECT id, ts, level, source, app_id AS appId, message, meta_json AS metaJson FROM server_logs WHERE id = ?',
    );
    return { rows: places.map(({ id }) => byId.get(id) as StoredLogRow), total };
  }

  /** Lines by stretch of time and level, each partition read once from the search index. */
  histogram(filter: LogCountFilter): LogCounts {
    const partitions = filter.q?.includes('\0') ? [] : this.#sought(filter);
    const since = filter.since ?? this.#oldest(partitions, filter);
    const bucketMs = Math.max(1, (filter.until - since + 1) / filter.buckets);
    const sums = new Map<string, LogCounts['counts'][number]>();
    for (const partition of partitions) {
      const { where, values } = conditions({ ...filter, since, order: 'asc', limit: 0, offset: 0 });
      const rows = this.#sql(
        `SELECT CAST((ts - ?) / ? AS INTEGER) AS bucket, count(*) AS rows FROM server_logs INDEXED BY server_logs_search
         WHERE app_id IS ? AND level = ? AND ${where} GROUP BY bucket`,
      ).all(since, bucketMs, partition.appId, partition.level, ...values) as { bucket: number; rows: number }[];
      for (const { bucket, rows: found } of rows) {
        const key = `${bucket}/${partition.level}`;
        const sum = sums.get(key);
        if (sum) sum.rows += found;
        else sums.set(key, { bucket, level: partition.level, rows: found });
      }
    }
    return { since, bucketMs, counts: [...sums.values()] };
  }

  /** Removes up to `limit` rows that are older than `before`. @returns how many */
  removeOlder(before: number, limit: number): number {
    return this.#remove('ts < ?', [before], limit);
  }

  /** Removes up to `limit` of the oldest rows beyond `keep`. @returns how many */
  removeBeyond(keep: number, limit: number): number {
    const excess = this.count - keep;
    return excess > 0 ? this.#remove('1', [], Math.min(limit, excess)) : 0;
  }

  /** Up to `limit` rows of the app become rows of no app. @returns how many */
  forgetApp(appId: number, limit: number): number {
    const changed = this.#changing(() =>
      this.#sql(
        `UPDATE server_logs SET app_id = NULL
         WHERE id IN (SELECT id FROM server_logs WHERE app_id = ? LIMIT ?) RETURNING id, level`,
      ).all(appId, limit),
    ) as { level: number }[];
    for (const { level } of changed) {
      this.#add(appId, level, -1);
      this.#add(null, level, 1);
    }
    if (changed.length > 0) this.#remembered.clear();
    return changed.length;
  }

  close(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#db.close();
  }

  /** Without a text to look for the counts are known, or are those of a range of the index. */
  #browse(filter: LogFilter, partitions: Partition[]): { places: Place[]; total: number } {
    let total = 0;
    if (filter.since === undefined && filter.until === undefined) for (const { rows } of partitions) total += rows;
    else for (const partition of partitions) total += this.#countIn(partition, filter);
    if (filter.offset >= total) return { places: [], total };
    if (filter.offset > DEEP) return { places: this.#walk(filter), total };
    const need = filter.offset + filter.limit;
    const order = orderOf(filter);
    let best: Place[] = [];
    let bounds = filter;
    for (const partition of partitions.sort((a, b) => b.rows - a.rows)) {
      best = [...best, ...this.#placesIn(partition, bounds, need)].sort(order).slice(0, need);
      // what lies behind the last of these cannot get in any more
      const last = best.length === need ? best.at(-1) : undefined;
      if (last) bounds = { ...filter, ...(filter.order === 'desc' ? { since: last.ts } : { until: last.ts }) };
    }
    return { places: best.slice(filter.offset), total };
  }

  /** With a text or a source each partition is read once: its first places, then the number of the others. */
  #find(filter: LogFilter, partitions: Partition[]): { places: Place[]; total: number } {
    const end = filter.offset + filter.limit;
    const known = this.#recall(filter);
    if (known && (end <= known.head.length || known.head.length === known.total || filter.offset >= known.total)) {
      return { places: known.head.slice(filter.offset, end), total: known.total };
    }
    const isDeep = filter.offset > DEEP;
    const need = isDeep ? 1 : Math.max(known === undefined && partitions.length <= 8 ? HEAD : 0, end);
    const read = this.#inTexts(filter, partitions, need);
    let total = read?.total ?? 0;
    const places: Place[] = read?.places ?? [];
    for (const partition of read === undefined ? partitions : []) {
      const found = this.#placesIn(partition, filter, need);
      places.push(...found);
      total += found.length;
      // fewer than asked for are all that there are
      if (known === undefined && found.length === need) total += this.#countIn(partition, filter, found.at(-1));
    }
    if (known !== undefined) total = known.total;
    if (isDeep) return { places: this.#walk(filter), total };
    places.sort(orderOf(filter));
    if (known === undefined)
      this.#remember(filter, { upTo: this.#lastId, total, head: places.slice(0, Math.max(need, HEAD)) });
    return { places: places.slice(filter.offset, end), total };
  }

  /** Number and first places by the strung-together texts, and row by row where there are none yet; or undefined. */
  #inTexts(filter: LogFilter, partitions: Partition[], need: number): { total: number; places: Place[] } | undefined {
    const { q, source, since = BEGINNING, until = END, order } = filter;
    if (q === undefined || q === '' || source !== undefined) return undefined;
    const loose = this.#blocks.loose(this.#lastId);
    if (!this.#blocks.isUseful(loose)) return undefined;
    const outcome = this.#blocks.search({ partitions, q, since, until, order, need });
    const { where, values } = everything(filter);
    const rows = this.#sql(`SELECT ts, id FROM server_logs NOT INDEXED WHERE id > ? AND id <= ? AND ${where}`);
    for (const { from, to } of loose) {
      const found = rows.all(from, to, ...values) as Place[];
      outcome.total += found.length;
      outcome.places.push(...found);
    }
    return outcome;
  }

  #sought({ level: wanted, apps }: Pick<LogFilter, 'level' | 'apps'>): Partition[] {
    return [...this.#partitions.values()].filter(
      ({ appId, level }) =>
        (wanted === undefined || wanted === level) && (apps === undefined || (appId !== null && apps.includes(appId))),
    );
  }

  /** Time of the first line of the partitions; the end of the count where there is none. */
  #oldest(partitions: readonly Partition[], { until }: LogCountFilter): number {
    let oldest = until;
    for (const { appId, level } of partitions) {
      const row = this.#sql(
        'SELECT min(ts) AS ts FROM server_logs INDEXED BY server_logs_search WHERE app_id IS ? AND level = ?',
      ).get(appId, level) as { ts: number | null };
      if (row.ts !== null) oldest = Math.min(oldest, row.ts);
    }
    return oldest;
  }

  #placesIn(partition: Partition, filter: LogFilter, limit: number): Place[] {
    const direction = filter.order === 'desc' ? 'DESC' : 'ASC';
    const { where, values } = conditions(filter);
    return this.#sql(
      `SELECT ts, id FROM server_logs INDEXED BY server_logs_search WHERE app_id IS ? AND level = ? AND ${where}
       ORDER BY ts ${direction}, id ${direction} LIMIT ?`,
    ).all(partition.appId, partition.level, ...values, limit) as Place[];
  }

  /** @param after only what comes behind this place in the order of the search */
  #countIn(partition: Partition, filter: LogFilter, after?: Place): number {
    if (after !== undefined) {
      const isDown = filter.order === 'desc';
      const rest = { ...filter, ...(isDown ? { until: after.ts - 1 } : { since: after.ts + 1 }) };
      const twins = { ...filter, since: after.ts, until: after.ts };
      return this.#countIn(partition, rest) + this.#count(partition, twins, isDown ? 'id < ?' : 'id > ?', after.id);
    }
    return this.#count(partition, filter, 'id > ?', 0);
  }

  #count(partition: Partition, filter: LogFilter, more: string, id: number): number {
    const { where, values } = conditions(filter);
    const row = this.#sql(
      `SELECT count(*) AS n FROM server_logs INDEXED BY server_logs_search
       WHERE app_id IS ? AND level = ? AND ${where} AND ${more}`,
    ).get(partition.appId, partition.level, ...values, id) as { n: number };
    return row.n;
  }

  /** A page far down, in time order over all partitions. */
  #walk(filter: LogFilter): Place[] {
    const direction = filter.order === 'desc' ? 'DESC' : 'ASC';
    const { where, values } = everything(filter);
    return this.#sql(
      `SELECT ts, id FROM server_logs INDEXED BY server_logs_ts WHERE ${where}
       ORDER BY ts ${direction}, id ${direction} LIMIT ? OFFSET ?`,
    ).all(...values, filter.limit, filter.offset) as Place[];
  }

  /** The outcome of the same search before, brought up to date with the rows written since. */
  #recall(filter: LogFilter): Remembered | undefined {
    const key = searchKey(filter);
    const known = this.#remembered.get(key);
    if (known === undefined || this.#lastId - known.upTo > MUCH_NEWER) return undefined;
    const { where, values } = everything(filter);
    const newer = this.#sql(`SELECT ts, id FROM server_logs NOT INDEXED WHERE id > ? AND ${where}`).all(
      known.upTo,
      ...values,
    ) as Place[];
    const inOrder = orderOf(filter);
    const last = known.head.length < known.total ? known.head.at(-1) : undefined;
    // what sorts behind an unfinished head belongs to the part that is not kept
    const front = last === undefined ? newer : newer.filter((place) => inOrder(place, last) < 0);
    const head = front.length === 0 ? known.head : [...known.head, ...front].sort(inOrder).slice(0, 2 * HEAD);
    const current = { upTo: this.#lastId, total: known.total + newer.length, head };
    this.#remember(filter, current);
    return current;
  }

  #remember(filter: LogFilter, outcome: Remembered): void {
    const key = searchKey(filter);
    this.#remembered.delete(key);
    this.#remembered.set(key, outcome);
    if (this.#remembered.size > REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value as string);
  }

  #remove(where: string, values: number[], limit: number): number {
    const removed = this.#changing(() =>
      this.#sql(
        `DELETE FROM server_logs WHERE id IN (SELECT id FROM server_logs WHERE ${where} ORDER BY ts, id LIMIT ?)
         RETURNING id, app_id AS appId, level`,
      ).all(...values, limit),
    ) as { appId: number | null; level: number }[];
    for (const { appId, level } of removed) this.#add(appId, level, -1);
    if (removed.length > 0) this.#remembered.clear();
    return removed.length;
  }

  /** Changes rows together with the texts that they are part of. */
  #changing(work: () => unknown[]): unknown[] {
    try {
      return this.#db.transaction(() => {
        const rows = work();
        this.#blocks.drop((rows as { id: number }[]).map(({ id }) => id));
        return rows;
      })();
    } catch (error) {
      this.#blocks.reload();
      throw error;
    }
  }

  #add(appId: number | null, level: number, rows: number): void {
    const key = keyOf({ appId, level });
    const partition = this.#partitions.get(key);
    if (partition === undefined) this.#partitions.set(key, { appId, level, rows });
    else {
      partition.rows += rows;
      if (partition.rows <= 0) this.#partitions.delete(key);
    }
  }

  #sql(text: string): Statement<unknown[]> {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.#db.prepare<unknown[]>(text)));
    return statement;
  }
}

const keyOf = ({ appId, level }: { appId: number | null; level: number }): string => `${appId}/${level}`;

const searchKey = ({ apps, level, source, q, since, until, order }: LogFilter): string =>
  JSON.stringify([
    apps ? [...apps].sort() : null,
    level,
    source,
    q?.replace(/[A-Z]/g, (c) => c.toLowerCase()),
    since,
    until,
    order,
  ]);

/** Conditions inside one partition. */
function conditions({ since, until, source, q }: LogFilter): { where: string; values: (string | number)[] } {
  const where = ['ts >= ? AND ts <= ?'];
  const values: (string | number)[] = [since ?? BEGINNING, until ?? END];
  if (source !== undefined) {
    where.push('source = ?');
    values.push(source);
  }
  if (q !== undefined) {
    // LIKE compares ASCII letters without case; the escape is only named where it is needed, because it costs
    const escaped = q.replace(/[\\%_]/g, '\\$&');
    where.push(escaped === q ? 'message LIKE ?' : "message LIKE ? ESCAPE '\\'");
    values.push(`%${escaped}%`);
  }
  return { where: where.join(' AND '), values };
}

/** Conditions over all partitions. */
function everything(filter: LogFilter): { where: string; values: (string | number)[] } {
  const { where, values } = conditions(filter);
  const more: string[] = [where];
  if (filter.level !== undefined) {
    more.push('level = ?');
    values.push(filter.level);
  }
  if (filter.apps !== undefined) {
    more.push('app_id IN (SELECT value FROM json_each(?))');
    values.push(JSON.stringify(filter.apps));
  }
  return { where: more.join(' AND '), values };
}
