import pino, { type Logger } from 'pino';
import { logContext } from '../log-context.ts';
import type { Settings } from '../settings.ts';
import { SETTINGS, type SettingKey } from '../settings-table.ts';
import { Scrubber } from './scrub.ts';
import { SecretRegistry } from './secret-registry.ts';

/** A destination of log lines. */
export interface LogSink {
  /** @param line one JSON object and a line feed, already without secrets */
  write(line: string): void;
  /** Writes buffered lines; synchronously if the process is about to end. */
  flushSync?(): void;
}

/** The root logger with its sinks and the secrets that must not pass it. */
export interface Logging {
  readonly log: Logger;
  /** Values registered here never appear in a line, wherever they were logged. */
  readonly secrets: SecretRegistry;
  readonly scrub: Scrubber;
  /** @returns the function that takes the sink away again */
  addSink(sink: LogSink): () => void;
  flushSync(): void;
}

/** Makes the root logger. It writes nowhere until a sink is added. Logging never throws. */
export function createLogging(settings: Settings): Logging {
  const secrets = new SecretRegistry();
  for (const [key, definition] of Object.entries(SETTINGS)) {
    if ('secret' in definition && definition.secret) secrets.add(settings[key as SettingKey] as string);
  }
  secrets.add(passwordOf(settings.redisUrl));
  secrets.add(passwordOf(settings.clusterRedisUrl));
  const scrub = new Scrubber(secrets);
  const sinks = new Set<LogSink>();
  const each = (act: (sink: LogSink) => void): void => {
    for (const sink of sinks) {
      try {
        act(sink);
      } catch {
        // a sink that fails must not hurt the caller or the other sinks; it reports by itself
      }
    }
  };
  const log = pino(
    {
      level: settings.logLevel,
      base: null,
      mixin: (_line, _level, logger) => contextOf(logger),
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      serializers: {
        err: describeError,
        error: describeError,
        cause: describeError,
        req: () => undefined,
        res: () => undefined,
      },
      hooks: { streamWrite: (line) => scrub.line(line) },
    },
    { write: (line: string) => each((sink) => sink.write(line)) },
  );
  return {
    log,
    secrets,
    scrub,
    addSink(sink) {
      sinks.add(sink);
      return () => sinks.delete(sink);
    },
    flushSync: () => each((sink) => sink.flushSync?.()),
  };
}

/** Fields of the work under way that the logger does not set itself. */
function contextOf(logger: Logger): object {
  const context = Object.entries(logContext()).filter(([, value]) => value !== undefined);
  if (context.length === 0) return {};
  const own = logger.bindings();
  return Object.fromEntries(context.filter(([name]) => !(name in own)));
}

/**
 * Only the useful parts of an error: HTTP clients attach requests with their credentials
 * and whole responses to the errors they throw.
 */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? String(error) : error;
  const { code, status, statusCode } = error as { code?: unknown; status?: unknown; statusCode?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof status === 'number' ? { status } : typeof statusCode === 'number' ? { status: statusCode } : {}),
    ...(error.stack ? { stack: error.stack } : {}),
    ...(error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
    ...(error instanceof AggregateError && depth < 3
      ? { errors: error.errors.slice(0, 5).map((inner) => describeError(inner, depth + 1)) }
      : {}),
  };
}

function passwordOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url).password);
  } catch {
    return undefined;
  }
}
