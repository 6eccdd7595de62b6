import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import type { Background } from './background.ts';

/** New and former objects, half each. */
const ENOUGH_BYTES = 32 * 1_048_576;
const LOOK_MS = 1000;

/**
 * Keeps V8's young generation small while the daemon starts: what a start makes stays, so the generation would grow with it,
 * and a daemon at rest would keep that memory.
 */
export const holdYoungGeneration = (): void => growBy(1);

/**
 * Lets the young generation grow with the load, in one step to a size that is collected rarely. V8's own limit is 100 MB,
 * which a daemon would never give back.
 */
export function releaseYoungGeneration(background: Background): void {
  growBy(16);
  const look = background.every('young generation', LOOK_MS, () => {
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    if (space === undefined || space.space_size < ENOUGH_BYTES) return;
    holdYoungGeneration();
    look.stop();
  });
}

const growBy = (factor: number): void => setFlagsFromString(`--semi-space-growth-factor=${factor}`);
