import type { MessagePort } from 'node:worker_threads';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { StorageProvider } from '#shared/plugin-sdk/storage-provider.ts';
import { STORAGE_TEST_STEPS, type StorageTestStep, testStorage } from '#shared/plugin-sdk/storage-test.ts';
import { prepareStorage, type StorageAccess } from '../open-client.ts';

export interface StorageTestInput {
  access: StorageAccess;
  probeKey: string;
  /** Origin of the pages that play recordings. */
  pageOrigin: string;
  /** The way to the provider's plugin. */
  port: MessagePort;
}

/** Tries a storage step by step. */
export default async function storageTest({
  access,
  probeKey,
  pageOrigin,
  port,
}: StorageTestInput): Promise<StorageTestStep[]> {
  try {
    return await withPlugins(port, async (broker) => {
      const { provider, context } = await prepareStorage(access, broker);
      return testStorage(provider as StorageProvider, context, { probeKey, pageOrigin });
    });
  } catch (error) {
    const { code, message, cure } = error instanceof StorageError ? error : new StorageError('FAILED');
    const [first, ...rest] = STORAGE_TEST_STEPS;
    return [
      { id: first, state: 'failed', message, durationMs: 0, code, cure },
      ...rest.map(
        (id): StorageTestStep => ({
          id,
          state: 'skipped',
          message: 'Skipped, because an earlier step failed.',
          durationMs: 0,
        }),
      ),
    ];
  }
}
