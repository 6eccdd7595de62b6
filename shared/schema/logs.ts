import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, paging, period } from './common.ts';

export const LOG_LEVEL_NAMES = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevelName = (typeof LOG_LEVEL_NAMES)[number];

/** A search counts up to this many rows. */
export const LOG_COUNT_MAX = 10_000;
/** The list of errors is made of this many lines at most. */
export const LOG_ERRORS_MAX = 2000;

export const LogRow = object(
  {
    id: Type.Integer({ description: 'Increases over time.' }),
    ts: Instant,
    level: oneOf(LOG_LEVEL_NAMES, { title: 'LogLevel' }),
    source: Type.String({ description: 'Part of the daemon that wrote the line.', examples: ['apps'] }),
    appId: nullable(Type.Integer(), { description: 'App of the line; null for the server itself and deleted apps.' }),
    message: Type.String(),
    metaJson: nullable(Type.String(), { description: 'Additional fields, as JSON text.' }),
  },
  { title: 'LogLine' },
);
export type LogRow = Static<typeof LogRow>;

/** A page of the log. */
export const LogPage = object({
  data: Type.Array(LogRow),
  total: Type.Integer({ description: `Rows that match the filters, counted up to ${LOG_COUNT_MAX}.` }),
  more: Type.Boolean({ description: 'More rows match than `total` counts.' }),
  limit: Type.Integer(),
  offset: Type.Integer(),
});
export type LogPage = Static<typeof LogPage>;

const sought = {
  level: Type.Optional(oneOf(LOG_LEVEL_NAMES, { description: 'Exact level.' })),
  source: Type.Optional(Type.String({ maxLength: 64, description: 'Exact source.' })),
  q: Type.Optional(
    Type.String({
      maxLength: 200,
      description:
        'Consecutive words in the message or the fields: names, ids, error codes, causes. Ignores case, accents and punctuation. The last word may be incomplete (two characters or more).',
      examples: ['timed out'],
    }),
  ),
  ...period,
};
const filters = {
  ...sought,
  order: Type.Optional(
    oneOf(['desc', 'asc'], { title: 'Order', default: 'desc', description: 'Newest or oldest first.' }),
  ),
  ...paging(),
};

/** Filters of one app's log. */
export const AppLogQuery = object(filters);
export type AppLogQuery = Static<typeof AppLogQuery>;

/** Filters of the server's log. */
export const LogQuery = object({
  app: Type.Optional(
    Type.String({ maxLength: 64, description: 'Name of an app. An unknown name matches no rows.', examples: ['live'] }),
  ),
  ...filters,
});
export type LogQuery = Static<typeof LogQuery>;

const buckets = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 240, default: 60, description: 'Number of equal intervals.' }),
);
const app = LogQuery.properties.app;

/** Filters of the count over time of one app's log. */
export const AppLogHistogramQuery = object({ ...sought, buckets });
export type AppLogHistogramQuery = Static<typeof AppLogHistogramQuery>;
export const LogHistogramQuery = object({ app, ...sought, buckets });
export type LogHistogramQuery = Static<typeof LogHistogramQuery>;

/** How many lines fall into each stretch of time, by level. */
export const LogHistogram = object({
  since: Instant,
  until: Instant,
  bucketMs: Type.Number({ description: 'Length of an interval in milliseconds.' }),
  total: Type.Integer(),
  buckets: Type.Array(
    object({
      ts: Type.String({ format: 'date-time', description: 'Start of the interval.' }),
      counts: Type.Partial(
        object(
          Object.fromEntries(LOG_LEVEL_NAMES.map((level) => [level, Type.Integer()])) as Record<
            LogLevelName,
            ReturnType<typeof Type.Integer>
          >,
        ),
        { additionalProperties: false, description: 'Lines per level; levels without lines are left out.' },
      ),
    }),
  ),
});
export type LogHistogram = Static<typeof LogHistogram>;

/** Filters of the list of errors. */
export const LogErrorQuery = object({
  app,
  ...period,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20, description: 'Different errors.' })),
});
export type LogErrorQuery = Static<typeof LogErrorQuery>;

/** The newest lines at error and fatal, each error once. */
export const LogErrors = object({
  errors: Type.Array(
    object({
      count: Type.Integer({ description: 'Lines that say the same about the same app, except for numbers and ids.' }),
      firstAt: Instant,
      line: Type.Object({ ...LogRow.properties }, { description: 'The newest of them.' }),
    }),
  ),
  more: Type.Boolean({ description: `Older lines are not counted, because there are more than ${LOG_ERRORS_MAX}.` }),
});
export type LogErrors = Static<typeof LogErrors>;
