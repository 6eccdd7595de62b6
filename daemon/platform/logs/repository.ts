import type { Statement } from 'better-sqlite3';
import { fieldsText, isLastWordOpen } from '#shared/log-words.ts';
import { LOG_COUNT_MAX, LOG_ERRORS_MAX, LOG_LEVEL_NAMES } from '#shared/schema/logs.ts';
import { logMigrations } from '../db/logs/index.ts';
import { migrate } from '../db/migrate.ts';
import { type Db, openDatabase } from '../db/open.ts';
import {
  type ErrorGroups,
  errorKey,
  type LogCountFilter,
  type LogCounts,
  type LogErrorFilter,
  type LogFilter,
  type LogPage,
  levelNumber,
  type StoredLog,
  type StoredLogRow,
} from './rows.ts';

/** Ids are times in microseconds, so that the order of ids is the order of time. */
const IDS_PER_MS = 1000;
const ERROR_LEVELS = (['error', 'fatal'] as const).map(levelNumber);
const LEVELS = LOG_LEVEL_NAMES.map(levelNumber);
const COLUMNS = 'level, source, app_id AS appId, message, meta_json AS metaJson';

type Bounds = Pick<LogFilter, 'since' | 'until'>;

/** How the log database is opened. */
export const LOG_DATABASE = { durability: 'normal', pageSize: 16_384 } as const;

/** SQL of the log table and its full-text index. Synchronous; it runs in the log thread. */
export class LogRepository {
  readonly #db: Db;
  readonly #statements = new Map<string, Statement<unknown[]>>();

  /** @param db an open log database, up to date */
  constructor(db: Db) {
    this.#db = db;
    db.pragma('cache_size = -8192');
  }

  static open(file: string): LogRepository {
    const db = openDatabase(file, LOG_DATABASE);
    migrate(db, logMigrations);
    return new LogRepository(db);
  }

  /** Writes a batch in one transaction. @returns the ids of its rows */
  insert(batch: readonly StoredLog[]): number[] {
    return this.#db.transaction(() => batch.map((row) => this.#insertOne(row)))();
  }

  /** One page, newest or oldest first, and the number of rows that match, counted up to `LOG_COUNT_MAX`. */
  search(filter: LogFilter): LogPage {
    const { limit, offset } = filter;
    const first = this.#ids(filter, LOG_COUNT_MAX + 1, 0);
    const more = first.length > LOG_COUNT_MAX;
    const isDeep = more && offset + limit > first.length;
    const page = isDeep ? this.#ids(filter, limit, offset) : first.slice(offset, offset + limit);
    return { rows: page.map((id) => this.#row(id)), total: Math.min(first.length, LOG_COUNT_MAX), more };
  }

  /** The newest lines at error and fatal, each error once. @param limit different ones */
  errors(filter: LogErrorFilter, limit: number): ErrorGroups {
    const ids = ERROR_LEVELS.flatMap((level) => this.#ids({ ...filter, level, order: 'desc' }, LOG_ERRORS_MAX + 1, 0));
    const newest = ids.sort((a, b) => b - a).slice(0, LOG_ERRORS_MAX);
    const groups = new Map<string, ErrorGroups['rows'][number]>();
    for (const id of newest) {
      const row = this.#row(id);
      const key = errorKey(row);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { count: 1, firstTs: row.ts, row });
      else Object.assign(group, { count: group.count + 1, firstTs: row.ts });
    }
    return { rows: [...groups.values()].slice(0, limit), more: ids.length > newest.length };
  }

  /** All matching rows, counted by period and level. Without `since`, the first period begins with the oldest row. */
  histogram(filter: LogCountFilter): LogCounts {
    const { until, buckets, level } = filter;
    const oldest = this.#ids({ ...tagsOnly(filter), until, order: 'asc' }, 1, 0)[0];
    const since = filter.since ?? (oldest === undefined ? until : timeOf(oldest));
    const bucketMs = Math.max(1, (until - since + 1) / buckets);
    const count = this.#sql(
      `SELECT CAST((rowid / ${IDS_PER_MS} - ?) / ? AS INTEGER) AS bucket, count(*) AS rows FROM log_index
       WHERE log_index MATCH ? AND rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER) GROUP BY bucket`,
    );
    const counts = (level === undefined ? LEVELS : [level]).flatMap((one) => {
      const match = matchOf({ ...filter, level: one }) as string;
      const rows = count.all(since, bucketMs, match, ...idsBetween({ since, until })) as {
        bucket: number;
        rows: number;
      }[];
      return rows.map((row) => ({ ...row, level: one }));
    });
    return { since, bucketMs, counts };
  }

  /** Id of the newest row that is older than `before` (milliseconds) or not among the newest `keep`. */
  newestToRemove(before: number | undefined, keep: number): number | undefined {
    const beyond = this.#sql('SELECT id FROM server_logs ORDER BY id DESC LIMIT 1 OFFSET ?').all(keep);
    const old = this.#sql('SELECT id FROM server_logs WHERE id < ? ORDER BY id DESC LIMIT 1');
    const ids = [...beyond, ...(before === undefined ? [] : old.all(before * IDS_PER_MS))] as { id: number }[];
    return ids.length === 0 ? undefined : Math.max(...ids.map(({ id }) => id));
  }

  /** Removes up to `limit` rows, the oldest first, none newer than the row `id`. @returns how many */
  removeUpTo(id: number, limit: number): number {
    return this.#db.transaction(() => {
      const doomed = this.#sql('SELECT id FROM server_logs WHERE id <= ? ORDER BY id LIMIT ?').all(id, limit);
      for (const row of doomed as { id: number }[]) {
        this.#sql('DELETE FROM server_logs WHERE id = ?').run(row.id);
        this.#sql('DELETE FROM log_index WHERE rowid = ?').run(row.id);
      }
      return doomed.length;
    })();
  }

  /** Ids of all apps that may have rows. */
  appIds(): number[] {
    const terms = this.#sql("SELECT term FROM log_terms WHERE term >= 'app' AND term < 'apq' AND col = 'tags'").all();
    return (terms as { term: string }[]).flatMap(({ term }) => {
      const id = /^app(\d+)$/.exec(term)?.[1];
      return id === undefined ? [] : [Number(id)];
    });
  }

  /** Up to `limit` rows of the app become rows of no app. @returns how many */
  forgetApp(appId: number, limit: number): number {
    return this.#db.transaction(() => {
      const ids = this.#ids({ apps: [appId], order: 'asc' }, limit, 0);
      for (const id of ids) {
        this.#sql('UPDATE server_logs SET app_id = NULL WHERE id = ?').run(id);
        this.#index(id, this.#row(id));
      }
      return ids.length;
    })();
  }

  /** Moves up to about `limit` rows of an older version over, the newest first. @returns whether there may be more */
  moveOldRows(limit: number): boolean {
    if (this.#sql("SELECT 1 FROM sqlite_master WHERE name = 'old_server_logs'").get() === undefined) return false;
    return this.#db.transaction(() => {
      const oldest = this.#db
        .prepare('SELECT min(ts) AS ts FROM (SELECT ts FROM old_server_logs ORDER BY ts DESC LIMIT ?)')
        .get(limit) as { ts: number | null };
      if (oldest.ts === null) {
        this.#db.exec('DROP TABLE old_server_logs');
        return false;
      }
      // whole milliseconds, so that their lines keep their order
      const rows = this.#db
        .prepare(`SELECT ts, ${COLUMNS} FROM old_server_logs WHERE ts >= ? ORDER BY ts, id`)
        .all(oldest.ts) as StoredLog[];
      for (const row of rows) this.#insertOne(row);
      this.#db.prepare('DELETE FROM old_server_logs WHERE ts >= ?').run(oldest.ts);
      return true;
    })();
  }

  close(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#db.close();
  }

  #insertOne(row: StoredLog): number {
    const id = this.#freeId(row.ts);
    this.#sql('INSERT INTO server_logs (id, level, source, app_id, message, meta_json) VALUES (?, ?, ?, ?, ?, ?)').run(
      id,
      row.level,
      row.source,
      row.appId,
      row.message,
      row.metaJson,
    );
    this.#index(id, row);
    return id;
  }

  #index(id: number, row: StoredLog): void {
    this.#sql('INSERT OR REPLACE INTO log_index (rowid, message, fields, tags) VALUES (?, ?, ?, ?)').run(
      id,
      row.message,
      fieldsText(row.metaJson),
      tagsOf(row).join(' '),
    );
  }

  #freeId(ts: number): number {
    const last = this.#sql('SELECT max(id) AS id FROM server_logs WHERE id >= ? AND id < ?');
    for (let id = ts * IDS_PER_MS; ; id += IDS_PER_MS) {
      const used = (last.get(id, id + IDS_PER_MS) as { id: number | null }).id;
      if (used === null) return id;
      if (used + 1 < id + IDS_PER_MS) return used + 1;
    }
  }

  #row(id: number): StoredLogRow {
    const row = this.#sql(`SELECT id, ${COLUMNS} FROM server_logs WHERE id = ?`).get(id);
    return { ...(row as Omit<StoredLogRow, 'ts'>), ts: timeOf(id) };
  }

  #ids(filter: Omit<LogFilter, 'limit' | 'offset'>, limit: number, offset: number): number[] {
    const match = matchOf(filter);
    const [table, key] = match === undefined ? ['server_logs', 'id'] : ['log_index', 'rowid'];
    // FTS5 takes a bound into account only if it is an integer; numbers of this size are bound as reals
    const rows = this.#sql(
      `SELECT ${key} AS id FROM ${table}
       WHERE ${match === undefined ? '' : 'log_index MATCH ? AND'} ${key} BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER)
       ORDER BY ${key} ${filter.order === 'desc' ? 'DESC' : 'ASC'} LIMIT ? OFFSET ?`,
    ).all(...(match === undefined ? [] : [match]), ...idsBetween(filter), limit, offset);
    return (rows as { id: number }[]).map(({ id }) => id);
  }

  #sql(text: string): Statement<unknown[]> {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.#db.prepare<unknown[]>(text)));
    return statement;
  }
}

const timeOf = (id: number): number => Math.floor(id / IDS_PER_MS);

/** First and last id of a period. */
const idsBetween = ({ since = -8.64e15, until = 8.64e15 }: Bounds): [number, number] => [
  since * IDS_PER_MS,
  until * IDS_PER_MS + IDS_PER_MS - 1,
];

const appTag = (appId: number): string => `app${appId}`;
const levelTag = (level: number): string => `level${level}`;
/** In hexadecimal, because a tag must be one word. */
const sourceTag = (source: string): string => `source${Buffer.from(source).toString('hex')}`;

/** Words that a row is filtered by. Level and app also as one: both together are the most common filter. */
function tagsOf({ appId, level, source }: StoredLog): string[] {
  const tags = [levelTag(level), sourceTag(source)];
  return appId === null ? tags : [...tags, appTag(appId), appTag(appId) + levelTag(level)];
}

const tagsOnly = ({ q: _q, ...filter }: LogCountFilter): Omit<LogCountFilter, 'q'> => filter;

/** The filter as an FTS5 query; undefined = every row matches. */
function matchOf({ apps, level, source, q }: Pick<LogFilter, 'apps' | 'level' | 'source' | 'q'>): string | undefined {
  const parts: string[] = [];
  if (q !== undefined) {
    const phrase = `"${q.replaceAll('\0', ' ').replaceAll('"', '""')}"`;
    parts.push(`{message fields} : (${phrase}${isLastWordOpen(q) ? ' *' : ''})`);
  }
  const levelPart = level === undefined ? '' : levelTag(level);
  if (apps !== undefined) parts.push(`tags : (${apps.map((id) => appTag(id) + levelPart).join(' OR ')})`);
  else if (level !== undefined) parts.push(`tags : ${levelPart}`);
  if (source !== undefined) parts.push(`tags : ${sourceTag(source)}`);
  return parts.length === 0 ? undefined : parts.join(' AND ');
}
