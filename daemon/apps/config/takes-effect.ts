import { annotationsOf, type ReloadMode } from '#shared/config/annotations.ts';
import { schemaAt } from '#shared/config/defaults.ts';

/** Which of the changed keys take effect immediately, with a new connection, and with the next stream or recording. */
export function takesEffect(changedKeys: readonly string[]): Record<ReloadMode, string[]> {
  const plan: Record<ReloadMode, string[]> = { hot: [], reopen: [], next: [] };
  for (const key of changedKeys) {
    const schema = schemaAt(key.split('.'));
    const mark = schema === undefined ? undefined : annotationsOf(schema)['x-reload'];
    if (mark !== undefined) plan[mark].push(key);
  }
  return plan;
}
