import type { MessagePort } from 'node:worker_threads';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import { openStorage, type StorageAccess } from '../open-client.ts';

export interface StorageLinksInput {
  access: StorageAccess;
  links: { key: string; expiresIn: number; downloadName?: string }[];
  /** The way to the provider's plugin. */
  port: MessagePort;
}

/**
 * Presigned links in the order asked for, or `problem` where none can be made: for people. `isFault` = something went
 * wrong; else the provider is just not made for it.
 */
export type StorageLinksOutput = { urls: string[] } | { problem: string; isFault: boolean };

/** Makes links that open objects for a while. No request is sent. */
export default async function storageLinks({ access, links, port }: StorageLinksInput): Promise<StorageLinksOutput> {
  try {
    return await withPlugins(port, async (broker) => {
      const { client, capabilities } = await openStorage(access, broker);
      try {
        if (!capabilities.presign || client.presignGet === undefined) {
          const problem = `The storage provider ${access.location.provider} cannot make signed links. Download the object from the storage itself, or give the app a public URL.`;
          return { problem, isFault: false };
        }
        const urls: string[] = [];
        for (const { key, ...options } of links) urls.push(await client.presignGet(key, options));
        return { urls };
      } finally {
        client.dispose();
      }
    });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code === 'CREDENTIALS_MISSING') return { problem: `${error.message} ${error.cure}`, isFault: false };
    return { problem: error.message, isFault: true };
  }
}
