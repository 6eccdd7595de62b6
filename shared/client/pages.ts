/** A page of a list. */
export interface Page<R = unknown> {
  data: readonly R[];
  offset: number;
  /** How many rows match; lists that are dear to count have only `more`, or count up to a limit. */
  total?: number;
  more?: boolean;
}

/** Every row of a list, each once, also while rows are added or deleted: further pages are read as they are needed. */
export async function* rowsOf<R>(
  first: Page<R>,
  pageAt: (offset: number) => Promise<Page<R>>,
  start = 0,
): AsyncGenerator<R> {
  const given = new Set<string>();
  let page = first;
  for (;;) {
    for (const row of page.data) {
      const key = keyOf(row);
      if (key !== undefined && given.has(key)) continue;
      if (key !== undefined) given.add(key);
      yield row;
    }
    let next = page.offset + page.data.length;
    if (page.data.length === 0 || !(page.more || next < (page.total ?? 0))) return;
    let lost: number;
    do {
      const { total = 0 } = page;
      page = await pageAt(next);
      // rows that were deleted moved the rest to the front, at most by as many
      lost = total - (page.total ?? 0);
      next = Math.max(start, next - lost);
    } while (lost > 0);
  }
}

/** Lists over several apps have ids of each. Rooms have names. Undefined: nothing tells a row from others. */
function keyOf(row: unknown): string | undefined {
  const { app, id, name } = row as Record<'app' | 'id' | 'name', unknown>;
  const own = id ?? name;
  return own === undefined ? undefined : JSON.stringify([app, own]);
}
