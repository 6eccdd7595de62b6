import type { Db } from './open.ts';

export interface FilteredListSpec<Key extends string> {
  table: string;
  /** SQL of each filter, with the filter's value as `@<key>`. */
  conditions: Readonly<Record<Key, string>>;
  /** Terms of ORDER BY. */
  order: string;
}

/** Values of the filters; undefined = not asked for. */
export type Filter<Key extends string> = Partial<Record<Key, string | number | undefined>>;

export interface FilteredList<Row, Key extends string> {
  page(filter: Filter<Key>, limit: number, offset: number): Row[];
  count(filter: Filter<Key>): number;
}

/**
 * A list, and the count of its rows, under any combination of filters. One statement with `@a IS NULL OR a = @a` would serve
 * them all and no index; so each combination is a statement of its own, prepared when it is first asked for.
 */
export function filteredList<Row, Key extends string>(db: Db, spec: FilteredListSpec<Key>): FilteredList<Row, Key> {
  const prepare = (keys: readonly Key[]) => {
    const where = keys.length === 0 ? '' : `WHERE ${keys.map((key) => spec.conditions[key]).join(' AND ')}`;
    return {
      page: db.prepare<[Record<string, unknown>], Row>(
        `SELECT * FROM ${spec.table} ${where} ORDER BY ${spec.order} LIMIT @limit OFFSET @offset`,
      ),
      count: db.prepare<[Record<string, unknown>], number>(`SELECT count(*) FROM ${spec.table} ${where}`).pluck(),
    };
  };
  const known = new Map<string, ReturnType<typeof prepare>>();
  const statements = (filter: Filter<Key>) => {
    const keys = (Object.keys(spec.conditions) as Key[]).filter((key) => filter[key] !== undefined);
    const name = keys.join(' ');
    let found = known.get(name);
    if (found === undefined) known.set(name, (found = prepare(keys)));
    return found;
  };
  return {
    page: (filter, limit, offset) => statements(filter).page.all({ ...filter, limit, offset }),
    count: (filter) => statements(filter).count.get({ ...filter }) as number,
  };
}
