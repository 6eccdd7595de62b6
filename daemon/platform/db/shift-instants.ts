import type { Db } from './open.ts';

/**
 * Moves stored instants after the wall clock was set, so that what is left of a period stays the same. Columns that are NULL stay so.
 * @param ms how far the clock jumped, negative when it was set back
 */
export function shiftInstants(db: Db, table: string, columns: readonly string[], ms: number): void {
  const by = `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1000).toFixed(3)} seconds`;
  const moved = columns.map((column) => `${column} = strftime('%Y-%m-%dT%H:%M:%fZ', ${column}, @by)`);
  db.prepare(`UPDATE ${table} SET ${moved.join(', ')}`).run({ by });
}
