import type { MessagePort } from 'node:worker_threads';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError, type StorageErrorCode, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import { letsPagesRead } from '#shared/plugin-sdk/storage-test.ts';
import { prepareStorage, type StorageAccess } from '../open-client.ts';

export interface StorageCheckInput {
  access: StorageAccess;
  /** Of the object that is written and removed again. */
  key: string;
  /** Origin of the pages that play recordings. */
  pageOrigin: string;
  /** The way to the provider's plugin. */
  port: MessagePort;
}

/** Why the storage refuses objects; undefined if it accepts them, or couldn't be reached. */
export interface StorageCheckOutput {
  refusal: string | undefined;
  /** May pages of other sites read what is stored? Undefined if that is not known. */
  pages?: boolean | undefined;
}

const CHECK_MS = 8000;
/** Refusals that apply to every writer. Others may reach a storage that this machine can't. */
const REFUSALS: ReadonlySet<StorageErrorCode> = new Set<StorageErrorCode>([
  'CREDENTIALS_REFUSED',
  'ACCESS_DENIED',
  'BUCKET_MISSING',
  'BUCKET_INVALID',
  'REGION_WRONG',
  'KEY_INVALID',
  'FULL',
]);

/** Writes a small object, and removes it: a recording that the storage refuses is lost at its end. */
export default async function storageCheck({
  access,
  key,
  pageOrigin,
  port,
}: StorageCheckInput): Promise<StorageCheckOutput> {
  try {
    return await withPlugins(port, async (broker) => {
      const { provider, context } = await prepareStorage(access, broker);
      const { capabilities } = provider;
      const client = await provider.open(context);
      const signal = AbortSignal.timeout(CHECK_MS);
      try {
        await client.put(key, 'StreamHub checks that recordings can be stored here.', {
          contentType: 'text/plain',
          signal,
        });
        const { guard } = context;
        const pages = capabilities.presign
          ? await letsPagesRead(client, { key, pageOrigin, guard, signal }).catch(() => undefined)
          : undefined;
        // recordings don't need the right to delete; the object always has the same name
        await client
          .deleteMany([key], { signal, ...(capabilities.versions ? { allVersions: true } : {}) })
          .catch(() => {});
        return { refusal: undefined, pages };
      } finally {
        client.dispose();
      }
    });
  } catch (error) {
    if (!(error instanceof StorageError) || !REFUSALS.has(error.code)) return { refusal: undefined };
    return { refusal: `${withAnswer(error.message, error.answer)} ${error.cure}` };
  }
}
