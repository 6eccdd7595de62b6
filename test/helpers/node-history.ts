import assert from 'node:assert/strict';
import path from 'node:path';
import { HistoryRepository } from '#daemon/operations/history/repository.ts';
import { MEASURES, type Measure } from '#shared/schema/history.ts';

type Minute = { subject: string; minute: number } & Partial<Record<Measure, number>>;

/** Opens the history of a data directory; what a minute doesn't name was not measured. */
export function nodeHistory(dataDir: string): { write(...rows: Minute[]): void; close(): void } {
  const file = new HistoryRepository(path.join(dataDir, 'data', 'history.db'), {
    onDamage: (keptAs) => assert.fail(keptAs),
    onRefusal: (error) => assert.fail(String(error)),
  });
  const nothing = Object.fromEntries(MEASURES.map((name) => [name, null])) as Record<Measure, null>;
  return {
    write: (...rows) =>
      file.write(
        rows.map((row) => ({ ...nothing, ...row })),
        0,
      ),
    close: () => file.close(),
  };
}
