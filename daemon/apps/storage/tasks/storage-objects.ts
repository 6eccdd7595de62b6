import type { MessagePort } from 'node:worker_threads';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import type { ObjectInfo, StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import { wholeBody } from '#shared/plugin-sdk/whole-body.ts';
import { type OpenStorage, openStorage, type StorageAccess } from '../open-client.ts';

/** A small object to write. */
export interface WrittenObject {
  key: string;
  text: string;
  contentType: string;
  cacheControl: string;
}

/** The work, in this order. */
export interface ObjectWork {
  /** Keys of texts. */
  read?: readonly string[];
  write?: readonly WrittenObject[];
  remove?: readonly string[];
  /** Folder of which everything is removed. */
  removeBelow?: string;
  /** Folder of which the objects are listed, 1000 at most. */
  list?: string;
}

/** `texts` as asked for, null = not there. `problem`: the storage refused, in words. */
export type ObjectOutcome = { texts: (string | null)[]; removed: number; listed: ObjectInfo[] } | { problem: string };

export interface StorageObjectsInput {
  access: StorageAccess;
  work: ObjectWork;
  /** The way to the provider's plugin. */
  port: MessagePort;
}

/** A day of segments of 2 s with long names. */
const MAX_TEXT_BYTES = 8_000_000;
const CALL_MS = 20_000;
const MAX_LISTED = 1000;

/** Works on small objects of one storage. Missing objects count as removed. */
export default async function storageObjects({ access, work, port }: StorageObjectsInput): Promise<ObjectOutcome> {
  const { read = [], write = [], remove = [], removeBelow, list } = work;
  try {
    return await withPlugins(port, async (broker) => {
      const storage = await openStorage(access, broker);
      const { client } = storage;
      try {
        const texts = await Promise.all(read.map((key) => readText(client, key)));
        await Promise.all(
          write.map(({ key, text, contentType, cacheControl }) =>
            client.put(key, text, { contentType, cacheControl, signal: AbortSignal.timeout(CALL_MS) }),
          ),
        );
        let removed = await removeKeys(storage, remove);
        if (removeBelow !== undefined) {
          const prefix = `${removeBelow}/`;
          for await (const page of client.list({ prefix })) {
            const keys = page.map(({ key }) => key).filter((key) => key.startsWith(prefix));
            removed += await removeKeys(storage, keys);
          }
        }
        return { texts, removed, listed: list === undefined ? [] : await listBelow(client, `${list}/`) };
      } finally {
        client.dispose();
      }
    });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { problem: `${withAnswer(error.message, error.answer)} ${error.cure}` };
  }
}

async function readText(client: StorageClient, key: string): Promise<string | null> {
  try {
    // one byte more than is allowed: a longer text must not be taken for a whole one
    const range = { start: 0, end: MAX_TEXT_BYTES };
    const { body } = await client.get(key, { range, signal: AbortSignal.timeout(CALL_MS) });
    const bytes = await wholeBody(body, MAX_TEXT_BYTES + 1);
    return bytes.length > MAX_TEXT_BYTES ? null : bytes.toString();
  } catch (error) {
    if (error instanceof StorageError && error.code === 'OBJECT_MISSING') return null;
    throw error;
  }
}

async function listBelow(client: StorageClient, prefix: string): Promise<ObjectInfo[]> {
  const listed: ObjectInfo[] = [];
  for await (const page of client.list({ prefix, signal: AbortSignal.timeout(CALL_MS) })) {
    listed.push(...page.filter(({ key }) => key.startsWith(prefix)));
    if (listed.length >= MAX_LISTED) break;
  }
  return listed.slice(0, MAX_LISTED);
}

async function removeKeys(
  { client, maxDeleteBatch, capabilities }: OpenStorage,
  keys: readonly string[],
): Promise<number> {
  const size = capabilities.bulkDelete ? maxDeleteBatch : 1;
  let removed = 0;
  for (let start = 0; start < keys.length; start += size) {
    const options = capabilities.versions ? { allVersions: true } : {};
    const { deleted, failed } = await client.deleteMany(keys.slice(start, start + size), options);
    const [first] = failed;
    if (first !== undefined) throw new StorageError(first.code as StorageError['code'], first);
    removed += deleted;
  }
  return removed;
}
