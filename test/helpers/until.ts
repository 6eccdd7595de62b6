import { setTimeout as pause } from 'node:timers/promises';

const LIMIT_MS = 90_000;

/**
 * Waits for something that nothing announces: asks until the answer is truthy, with a pause between two questions. The pause
 * grows to a quarter of a second, because long waits are for others, who need the processor.
 * @param what for the error, e.g. `the row is written`
 * @returns the first truthy answer
 * @throws when it takes longer than `seconds`, with the last answer
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  { every = 25, seconds = LIMIT_MS / 1000 }: { every?: number; seconds?: number } = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + seconds * 1000;
  for (let wait = every; ; wait = Math.max(every, Math.min(250, wait * 1.15))) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}; last answer: ${answer}`);
    await pause(wait);
  }
}

/**
 * `until` for what is pushed: it looks again with each call of `look`, instead of asking.
 * `until` throws when it takes longer than 90 s, with what `seen` says.
 */
export function watched(): { look(): void; until(condition: () => boolean, seen?: () => string): Promise<void> } {
  const waiting = new Map<() => boolean, () => void>();
  const look = (): void => {
    for (const [condition, resolve] of waiting) if (condition() && waiting.delete(condition)) resolve();
  };
  return {
    look,
    until(condition, seen = () => '') {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const giveUp = (): void => {
        waiting.delete(condition);
        reject(new Error(`not within ${LIMIT_MS / 1000} s: ${condition}\n${seen()}`));
      };
      const timer = setTimeout(giveUp, LIMIT_MS).unref();
      waiting.set(condition, resolve);
      look();
      return promise.finally(() => clearTimeout(timer));
    },
  };
}
