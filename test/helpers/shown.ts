import assert from 'node:assert/strict';

/** The answer has all that is printed; `…` stands for any value. */
export function assertShown(shown: unknown, actual: unknown, place: string): void {
  if (shown === '…') assert.ok(actual !== undefined && actual !== null, place);
  else if (typeof shown === 'object' && shown !== null && !Array.isArray(shown)) {
    for (const [key, value] of Object.entries(shown))
      assertShown(value, (actual as Record<string, unknown> | undefined)?.[key], `${place}.${key}`);
  } else assert.deepEqual(actual, shown, place);
}
