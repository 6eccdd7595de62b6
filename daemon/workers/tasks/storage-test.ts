import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import { STORAGE_TEST_STEPS, type StorageTestStep, testStorage } from '#shared/plugin-sdk/storage-test.ts';
import { prepareStorage, type StorageAccess } from '../../storage/open-client.ts';

export interface StorageTestInput {
  access: StorageAccess;
  probeKey: string;
}

/** Tries a storage step by step. */
export default async function storageTest({ access, probeKey }: StorageTestInput): Promise<StorageTestStep[]> {
  try {
    const { provider, context } = await prepareStorage(access);
    return await testStorage(provider, context, { probeKey });
  } catch (error) {
    const { code, message, cure } = error instanceof StorageError ? error : new StorageError('FAILED');
    const [first, ...rest] = STORAGE_TEST_STEPS;
    return [
      { id: first, state: 'failed', message, durationMs: 0, code, cure },
      ...rest.map(
        (id): StorageTestStep => ({
          id,
          state: 'skipped',
          message: 'Not tried, because an earlier step failed.',
          durationMs: 0,
        }),
      ),
    ];
  }
}
