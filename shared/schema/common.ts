import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';

/** An object whose unknown keys are dropped from requests and never appear in answers. */
export function object<P extends TProperties>(properties: P, options: Record<string, unknown> = {}): TObject<P> {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

/** One of the given words. */
export function oneOf<const V extends string>(values: readonly V[], options: Record<string, unknown> = {}) {
  return Type.Unsafe<V>({ type: 'string', enum: [...values], ...options });
}

/** The schema, or null. */
export function nullable<T extends TSchema>(schema: T, options: Record<string, unknown> = {}) {
  return Type.Union([schema, Type.Null()], options);
}

/** The envelope `{data, error: null}` that most routes answer with. */
export function envelope<T extends TSchema>(data: T) {
  return object({ data, error: Type.Null({ description: 'Always null in a success.' }) });
}

/** Wraps a value in the success envelope. */
export const ok = <T>(data: T): { data: T; error: null } => ({ data, error: null });

/** A page of rows: `{data, total, limit, offset}`. */
export function page<T extends TSchema>(row: T) {
  return object({
    data: Type.Array(row),
    total: Type.Integer({ description: 'Number of rows that match the filters.' }),
    limit: Type.Integer(),
    offset: Type.Integer(),
  });
}

/** Largest whole number of the API: beyond it, numbers in JSON lose digits. */
export const MAX_INTEGER = Number.MAX_SAFE_INTEGER;

/** Id of a row: a whole number in plain decimal digits, in paths, queries and bodies. */
export const RowId = (options: { description?: string } = {}) =>
  Type.Integer({ minimum: 1, maximum: MAX_INTEGER, ...options });

/** A name that people give, on one line: control characters would let it write to terminals, logs and mails. */
export const GivenName = (maxLength: number, options: Record<string, unknown> = {}) =>
  Type.String({
    maxLength,
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$',
    'x-hint': 'a text on one line, without control characters',
    ...options,
  });

/** `limit` and `offset` of a paged list. */
export const paging = (max = 1000, fallback = 100) => ({
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: max,
      default: fallback,
      description: `Maximum number of rows to return, 1..${max}.`,
    }),
  ),
  offset: Type.Optional(
    Type.Integer({ minimum: 0, maximum: MAX_INTEGER, default: 0, description: 'Number of rows to skip.' }),
  ),
});

/** An instant, ISO-8601 in UTC with `Z`. */
export const Instant = Type.String({
  format: 'date-time',
  description: 'ISO-8601, UTC.',
  examples: ['2026-06-30T12:00:00.000Z'],
});

/**
 * `since` and `until` of a list, both inclusive. The text is read by `readPeriod` (shared/instants.ts), which accepts
 * more forms than JSON schema's `date-time`.
 */
export const period = {
  since: Type.Optional(
    Type.String({
      maxLength: 64,
      description: 'Oldest time, inclusive: ISO 8601 with or without time and offset. UTC unless it has an offset.',
    }),
  ),
  until: Type.Optional(
    Type.String({ maxLength: 64, description: 'Newest time, inclusive. A date alone means the end of that day.' }),
  ),
};

export const APP_NAME_PATTERN = '^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$';
export const ROOM_PREFIX_PATTERN = '^[a-z0-9][a-z0-9-]{0,39}$';

/** Path parameter `{name}`: any string here, so that an unknown app is a 404 and not a 400. */
export const AppNameParams = object({ name: Type.String({ description: 'Name of the app.', examples: ['live'] }) });
/** Path parameter `{app}` of the app-level routes. */
export const AppParams = object({ app: Type.String({ description: 'Name of the app.', examples: ['live'] }) });

export const ErrorBody = Type.Object(
  {
    statusCode: Type.Integer({ description: 'HTTP status.' }),
    message: Type.String({ description: 'What happened, as one text.' }),
    error: Type.Unsafe<unknown>({
      description: 'Name of the status, or a stable word that older clients expect.',
    }),
    code: Type.String({ description: 'Stable machine-readable code (docs/errors.md).' }),
    requestId: Type.Optional(Type.String({ description: 'Also in the x-request-id header and in the log.' })),
    hint: Type.Optional(Type.String({ description: 'What you can do about it.' })),
    details: Type.Optional(
      Type.Array(object({ path: Type.String(), message: Type.String() }), {
        description: 'The invalid fields.',
      }),
    ),
  },
  { additionalProperties: true, title: 'Error' },
);
export type ErrorBody = Static<typeof ErrorBody>;
