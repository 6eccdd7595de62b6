import type { MessagePort } from 'node:worker_threads';
import { purge } from '../../storage/purge/purge.ts';
import type { PurgeCheckpoint, PurgeInput, PurgeReport } from '../../storage/purge/types.ts';

export interface PurgeTask {
  input: PurgeInput;
  /** Gets a `PurgeReport` after each page. */
  port: MessagePort;
}

/** Deletes an app's objects; see `purge`. */
export default async function purgeTask({ input, port }: PurgeTask): Promise<PurgeCheckpoint> {
  try {
    return await purge(input, (report: PurgeReport) => port.postMessage(report));
  } finally {
    port.close();
  }
}
