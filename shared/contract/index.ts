import * as apps from './apps.ts';
import * as jobs from './jobs.ts';
import type { Operation } from './operation.ts';
import * as tokens from './tokens.ts';

/** Every operation of the API, by resource. A new contract file is added here and nowhere else. */
export const contract = { apps, jobs, tokens };

/** All operations in one list. */
export const operations: readonly Operation[] = Object.values(contract).flatMap(
  (group) => Object.values(group) as Operation[],
);
