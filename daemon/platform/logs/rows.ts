import { LOG_LEVEL_NAMES, type LogLevelName } from '#shared/schema/logs.ts';

/** A line as the table keeps it; `ts` in milliseconds, `level` as pino counts it. */
export interface StoredLog {
  ts: number;
  level: number;
  source: string;
  appId: number | null;
  message: string;
  metaJson: string | null;
}
export interface StoredLogRow extends StoredLog {
  id: number;
}

/** The filters; absent ones don't filter. */
export interface LogFilter {
  /** Only rows of these apps; absent = all rows, those of no app included. */
  apps?: readonly number[];
  level?: number;
  source?: string;
  q?: string;
  /** Milliseconds, inclusive. */
  since?: number;
  until?: number;
  order: 'asc' | 'desc';
  limit: number;
  offset: number;
}

/** A count over time: `count` stretches from `since` to `until`. */
export interface LogCountFilter extends Omit<LogFilter, 'order' | 'limit' | 'offset'> {
  until: number;
  buckets: number;
}

export interface LogCounts {
  /** The filter's, or the time of the oldest line. */
  since: number;
  bucketMs: number;
  /** Lines by stretch and level; what has none is absent. */
  counts: { bucket: number; level: number; rows: number }[];
}

export interface LogPage {
  rows: StoredLogRow[];
  /** Counted up to `LOG_COUNT_MAX`. */
  total: number;
  /** More rows match than `total` says. */
  more: boolean;
}

export type LogErrorFilter = Pick<LogFilter, 'apps' | 'since' | 'until'>;

/** Lines that say the same, the newest first. */
export interface ErrorGroups {
  rows: { count: number; firstTs: number; row: StoredLogRow }[];
  /** There are lines that were not looked at. */
  more: boolean;
}

/** What tells two errors apart: numbers and ids in their sentences do not. */
export const errorKey = ({ message, appId, source }: StoredLog): string =>
  JSON.stringify([appId, source, message.replace(/\b[\w-]*\d[\w-]*/g, '#')]);

const MAX_MESSAGE = 4000;
const MAX_META = 16_000;

/** 10 = trace … 60 = fatal. */
export const levelNumber = (name: LogLevelName): number => (LOG_LEVEL_NAMES.indexOf(name) + 1) * 10;
export const levelName = (level: number): LogLevelName =>
  LOG_LEVEL_NAMES[Math.min(5, Math.max(0, Math.round(level / 10) - 1))] as LogLevelName;

/**
 * Reads one JSON line of the logger. The app comes from `appId`, else from the name in `app`.
 * @param appIdOf id of an app by name
 */
export function toRow(line: string, appIdOf: (name: string) => number | undefined): StoredLog {
  const { level, time, source, msg, appId, ...meta } = JSON.parse(line) as Record<string, unknown>;
  const named = typeof meta['app'] === 'string' ? appIdOf(meta['app']) : undefined;
  const ts = typeof time === 'string' ? Date.parse(time) : Number(time);
  return {
    ts: Number.isFinite(ts) ? ts : Date.now(),
    level: levelNumber((LOG_LEVEL_NAMES as readonly unknown[]).includes(level) ? (level as LogLevelName) : 'info'),
    source: typeof source === 'string' && source !== '' ? source.slice(0, 64) : 'app',
    appId: Number.isSafeInteger(appId) ? (appId as number) : (named ?? null),
    message: messageOf(msg, meta),
    metaJson: metaOf(meta),
  };
}

function messageOf(msg: unknown, meta: Record<string, unknown>): string {
  const text = typeof msg === 'string' ? msg : ((meta['err'] as { message?: unknown } | undefined)?.message ?? '');
  // SQLite ends a text at a NUL when it compares
  return String(text).replaceAll('\0', '').slice(0, MAX_MESSAGE);
}

function metaOf(meta: Record<string, unknown>): string | null {
  const json = JSON.stringify(meta);
  if (json === '{}') return null;
  if (json.length <= MAX_META) return json;
  const short = Object.entries(meta).map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return [key.slice(0, 100), text.length <= 500 ? value : `${text.slice(0, 500)}…`];
  });
  return JSON.stringify({ truncated: true, ...Object.fromEntries(short.slice(0, 20)) });
}
