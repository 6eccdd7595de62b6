import type { MessagePort } from 'node:worker_threads';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import { openStorage, type StorageAccess } from '../open-client.ts';

export interface StorageBucketInput {
  access: StorageAccess;
  change: 'create' | 'allow-pages';
  /** The way to the provider's plugin. */
  port: MessagePort;
}

/** `isNew`: false where it was so already. */
export type StorageBucketOutput = { isNew: boolean } | { problem: string; cure: string };

/** Creates the bucket that the settings name, or lets pages of other sites read it. */
export default async function storageBucket({
  access,
  change,
  port,
}: StorageBucketInput): Promise<StorageBucketOutput> {
  try {
    return await withPlugins(port, async (broker) => {
      const { client } = await openStorage(access, broker);
      try {
        const act = change === 'create' ? client.createBucket : client.allowPages;
        if (act === undefined) throw new StorageError('UNSUPPORTED');
        return { isNew: await act.call(client) };
      } finally {
        client.dispose();
      }
    });
  } catch (error) {
    const { message, cure } = error instanceof StorageError ? error : new StorageError('FAILED');
    return { problem: message, cure };
  }
}
