import type { MessagePort } from 'node:worker_threads';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import { openStorage, type StorageAccess } from '../open-client.ts';

export interface StorageProbeInput {
  access: StorageAccess;
  /** Keys of objects that should be there; one that can be read is enough. */
  keys: readonly string[];
  /** The way to the provider's plugin. */
  port: MessagePort;
}

/** `ok`: the storage serves these objects. `refused`: it doesn't, and won't. `away`: it couldn't be reached. */
export type StorageProbeOutput = { state: 'ok' } | { state: 'refused' | 'away'; problem: string };

const PROBE_MS = 8000;

/** Reads the first byte of objects to learn whether a storage accepts these credentials for them. */
export default async function storageProbe({ access, keys, port }: StorageProbeInput): Promise<StorageProbeOutput> {
  let refused: StorageProbeOutput | undefined;
  try {
    return await withPlugins(port, async (broker) => {
      const { client } = await openStorage(access, broker);
      try {
        for (const key of keys) {
          try {
            const signal = AbortSignal.timeout(PROBE_MS);
            (await client.get(key, { range: { start: 0, end: 0 }, signal })).body.destroy();
            return { state: 'ok' };
          } catch (error) {
            const { code, message, cure, answer, retryable } = asError(error);
            if (code === 'OBJECT_MISSING') return { state: 'ok' };
            const problem = `${withAnswer(message, answer)} ${cure}`;
            if (retryable || code === 'ABORTED' || code === 'FAILED') return { state: 'away', problem };
            refused = { state: 'refused', problem };
            // a single object can be forbidden, or be gone without a right to list
            if (code !== 'ACCESS_DENIED') return refused;
          }
        }
        return refused ?? { state: 'ok' };
      } finally {
        client.dispose();
      }
    });
  } catch (error) {
    return { state: 'away', problem: asError(error).message };
  }
}

const asError = (error: unknown): StorageError => (error instanceof StorageError ? error : new StorageError('FAILED'));
