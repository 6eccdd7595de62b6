import { styleText } from 'node:util';
import type { Command } from 'commander';
import type { Static } from 'typebox';
import * as ops from '#shared/contract/logs.ts';
import { readPeriod } from '#shared/instants.ts';
import { hasWords } from '#shared/log-words.ts';
import { LOG_LEVEL_NAMES, type LogLevelName, type LogRow } from '#shared/schema/logs.ts';
import { UsageError } from '../exit-codes.ts';
import { type CommonOptions, callAll, remoteCommand } from './command.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { addField, type FieldSchema } from './fields.ts';
import { followEvents } from './follow.ts';
import { formatOf, printData, printText } from './output.ts';
import { plainText } from './table.ts';

type Row = Static<typeof LogRow>;
type Filters = Partial<Record<'level' | 'source' | 'q' | 'since' | 'until', string>>;

interface LogOptions extends CommonOptions, Filters {
  follow?: boolean;
  limit?: number;
}

const COLORS = { trace: 'gray', debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red', fatal: 'red' } as const;

/** `streamhub logs [APP]` */
export function command(): Command {
  const made = remoteCommand('logs', 'Print the newest lines of the log, or follow it')
    .argument('[app]', 'Only lines of this app.')
    .option('-f, --follow', 'Print new lines as they come, until you press Ctrl-C.')
    .option('-n, --limit <n>', 'Lines to print at most. Default: 100.', Number);
  const fields = ops.listLogs.query.properties as unknown as Record<string, FieldSchema>;
  for (const name of ['level', 'source', 'q', 'since', 'until']) addField(made, name, fields[name] ?? {}, false, false);
  return made.action(logs);
}

async function logs(app: string | undefined, options: LogOptions): Promise<void> {
  const { level, source, q, since, until, limit = 100 } = options;
  const filters = Object.fromEntries(
    Object.entries({ level, source, q, since, until }).filter(([, value]) => value !== undefined),
  ) as Filters;
  const end = readPeriod({ until }).until ?? Number.POSITIVE_INFINITY;
  if (options.follow && end <= Date.now())
    throw new UsageError('--until is in the past, so there are no new lines to follow. Leave out --follow or --until.');
  await withDaemon(options, async (daemon) => {
    const [op, params] = app === undefined ? [ops.listLogs, {}] : [ops.listAppLogs, { app }];
    const read = async (): Promise<Row[]> =>
      limit === 0 ? [] : ((await callAll(daemon, op, { params, query: filters }, limit)) as Row[]).toReversed();
    if (!options.follow) return show(await read(), options);
    await follow(daemon, { app, filters, end, read, options });
  });
}

async function show(rows: Row[], options: LogOptions): Promise<void> {
  if (formatOf(options) !== 'table') return printData(rows, options);
  for (const row of rows) printText(lineOf(row));
}

interface Following {
  app: string | undefined;
  filters: Filters;
  /** Time of the last line, in milliseconds. */
  end: number;
  read: () => Promise<Row[]>;
  options: LogOptions;
}

/** Prints what was there, then each line as it comes. JSON is one object a line. */
async function follow(daemon: Daemon, { app, filters, end, read, options }: Following): Promise<void> {
  const write = (row: Row): void => printText(formatOf(options) === 'table' ? lineOf(row) : JSON.stringify(row));
  const printed = new Set<number>();
  await followEvents(
    daemon,
    { topics: 'logs', ...(app === undefined ? {} : { app }) },
    {
      // after the stream is open, so that no line is lost between both
      onOpen: async (isFirst) => {
        if (!isFirst) return;
        for (const row of await read()) {
          printed.add(row.id);
          write(row);
        }
      },
      onEvent: ({ type, message }) => {
        if (type !== 'log.line' || message === undefined) return;
        const row = message.data as unknown as Row;
        if (!printed.has(row.id) && Date.parse(row.ts) <= end && isWanted(row, filters)) write(row);
      },
    },
  );
}

/** The filters of the search, for lines that come. */
function isWanted(row: Row, { level, source, q }: Filters): boolean {
  if (level !== undefined && level !== row.level) return false;
  if (source !== undefined && source !== row.source) return false;
  return q === undefined || hasWords(row, q);
}

const width = Math.max(...LOG_LEVEL_NAMES.map((name) => name.length));

function lineOf({ ts, level, source, message, metaJson }: Row): string {
  const mark = styleText(COLORS[level as LogLevelName] ?? 'white', level.padEnd(width));
  return `${styleText('dim', ts)} ${mark} ${source.padEnd(10)} ${plainText(message)}${styleText('dim', fieldsOf(metaJson))}`;
}

/** The other fields of a line, as `name=value`. */
function fieldsOf(metaJson: string | null): string {
  if (metaJson === null) return '';
  try {
    const fields = Object.entries(JSON.parse(metaJson) as Record<string, unknown>);
    return fields
      .map(([name, value]) => ` ${name}=${plainText(typeof value === 'string' ? value : JSON.stringify(value))}`)
      .join('');
  } catch {
    return '';
  }
}
