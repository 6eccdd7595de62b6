import type { Db } from './open.ts';

export interface FilteredListSpec<Key extends string> {
  table: string;
  /** What is read of a row; all of it where nothing is named. */
  columns?: string;
  /** SQL of each filter, with the filter's value as `@<key>`. */
  conditions: Readonly<Record<Key, string>>;
  /** Terms of ORDER BY. */
  order: string;
}

/** Values of the filters; undefined = not filtered by it. */
type Filter<Key extends string> = Partial<Record<Key, string | number | undefined>>;

export interface Page {
  limit: number;
  offset: number;
}

export interface FilteredList<Row, Key extends string> {
  /** A page of the rows alone. */
  rows(filter: Filter<Key>, page: Page): Row[];
  /** A page of the rows, and how many there are on all pages. */
  page(filter: Filter<Key>, page: Page): { rows: Row[]; total: number };
  count(filter: Filter<Key>): number;
}

/**
 * A list, and the count of its rows, under any combination of filters. One statement with `@a IS NULL OR a = @a` would serve
 * every combination but use no index; so each combination has its own statement, prepared on first use.
 */
export function filteredList<Row, Key extends string>(db: Db, spec: FilteredListSpec<Key>): FilteredList<Row, Key> {
  const { table, columns = '*', conditions, order } = spec;
  const prepare = (keys: readonly Key[]) => {
    const where = keys.length === 0 ? '' : `WHERE ${keys.map((key) => conditions[key]).join(' AND ')}`;
    return {
      rows: db.prepare<[Record<string, unknown>], Row>(
        `SELECT ${columns} FROM ${table} ${where} ORDER BY ${order} LIMIT @limit OFFSET @offset`,
      ),
      count: db.prepare<[Record<string, unknown>], number>(`SELECT count(*) FROM ${table} ${where}`).pluck(),
    };
  };
  const known = new Map<string, ReturnType<typeof prepare>>();
  const statements = (filter: Filter<Key>) => {
    const keys = (Object.keys(conditions) as Key[]).filter((key) => filter[key] !== undefined);
    const name = keys.join(' ');
    let found = known.get(name);
    if (found === undefined) known.set(name, (found = prepare(keys)));
    return found;
  };
  const count = (filter: Filter<Key>): number => statements(filter).count.get({ ...filter }) as number;
  const rows = (filter: Filter<Key>, { limit, offset }: Page): Row[] =>
    statements(filter).rows.all({ ...filter, limit, offset });
  return {
    rows,
    page: (filter, page) => ({ rows: rows(filter, page), total: count(filter) }),
    count,
  };
}

/** SQL: the column contains the text of a parameter. ASCII letters are compared without case; `%` and `_` mean themselves. */
export const contains = (column: string, parameter: string): string =>
  `${column} LIKE '%' || replace(replace(replace(${parameter}, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%' ESCAPE '\\'`;
