import type { MessagePort } from 'node:worker_threads';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { purge } from '../purge/purge.ts';
import type { PurgeCheckpoint, PurgeInput, PurgeReport } from '../purge/types.ts';

export interface PurgeTask {
  input: PurgeInput;
  /** Gets a `PurgeReport` after each page. */
  port: MessagePort;
  /** The way to the providers' plugins. */
  plugins: MessagePort;
}

export type PurgeTaskOutput = { outcome: PurgeCheckpoint } | { problem: 'database' };

/** Deletes an app's objects; see `purge`. */
export default async function purgeTask({ input, port, plugins }: PurgeTask): Promise<PurgeTaskOutput> {
  try {
    const report = (made: PurgeReport) => port.postMessage(made);
    return { outcome: await withPlugins(plugins, (broker) => purge(input, broker, report)) };
  } catch (error) {
    if (String((error as { code?: unknown }).code).startsWith('SQLITE')) return { problem: 'database' };
    throw error;
  } finally {
    port.close();
  }
}
