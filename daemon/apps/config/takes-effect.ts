import { schemaAt } from '#shared/config/defaults.ts';
import { marksOf, type ReloadMark } from '#shared/config/marks.ts';

/** Which of the changed keys take effect at once, with a new connection, and with the next stream or recording. */
export function takesEffect(changedKeys: readonly string[]): Record<ReloadMark, string[]> {
  const plan: Record<ReloadMark, string[]> = { hot: [], reopen: [], next: [] };
  for (const key of changedKeys) {
    const schema = schemaAt(key.split('.'));
    const mark = schema === undefined ? undefined : marksOf(schema)['x-reload'];
    if (mark !== undefined) plan[mark].push(key);
  }
  return plan;
}
