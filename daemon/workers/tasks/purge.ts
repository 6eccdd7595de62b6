import type { MessagePort } from 'node:worker_threads';
import { purge } from '../../storage/purge/purge.ts';
import type { PurgeCheckpoint, PurgeInput, PurgeReport } from '../../storage/purge/types.ts';

export interface PurgeTask {
  input: PurgeInput;
  /** Gets a `PurgeReport` after each page. */
  port: MessagePort;
}

export type PurgeTaskOutput = { outcome: PurgeCheckpoint } | { problem: 'database' };

/** Deletes an app's objects; see `purge`. */
export default async function purgeTask({ input, port }: PurgeTask): Promise<PurgeTaskOutput> {
  try {
    return { outcome: await purge(input, (report: PurgeReport) => port.postMessage(report)) };
  } catch (error) {
    if (String((error as { code?: unknown }).code).startsWith('SQLITE')) return { problem: 'database' };
    throw error;
  } finally {
    port.close();
  }
}
