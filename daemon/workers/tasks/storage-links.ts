import type { MessagePort } from 'node:worker_threads';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import { throughDoor } from '../../plugins/door.ts';
import { openStorage, type StorageAccess } from '../../storage/open-client.ts';

export interface StorageLinksInput {
  access: StorageAccess;
  links: { key: string; expiresIn: number; downloadName?: string }[];
  /** The way to the provider's plugin. */
  port: MessagePort;
}

/** Presigned links in the order asked for; all null where the provider makes none, or `problem` where none can be made. */
export type StorageLinksOutput = { urls: (string | null)[] } | { problem: string };

/** Makes links that open objects for a while. No request is sent. */
export default async function storageLinks({ access, links, port }: StorageLinksInput): Promise<StorageLinksOutput> {
  try {
    return await throughDoor(port, async (door) => {
      const { client } = await openStorage(access, door);
      try {
        const urls: (string | null)[] = [];
        for (const { key, ...options } of links) urls.push((await client.presignGet?.(key, options)) ?? null);
        return { urls };
      } finally {
        client.dispose();
      }
    });
  } catch (error) {
    if (error instanceof StorageError) return { problem: error.message };
    throw error;
  }
}
