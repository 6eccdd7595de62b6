import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { openStorage } from '#daemon/apps/storage/open-client.ts';
import { BACKUP_NAME, BackupProblem, faultOf } from '#daemon/operations/backup/manifest.ts';
import { storageFault } from '#daemon/operations/backup/tasks/backup-write.ts';
import { errorOf } from '#daemon/operations/backup/work.ts';
import { BUILT_IN_PLUGINS } from '#daemon/platform/paths.ts';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { runWithBroker } from '#daemon/plugins/plugin-broker.ts';
import { readPlugins } from '#daemon/plugins/read-plugins.ts';
import type { StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import { checkNamed } from './named-file.ts';

/** Where the bucket of a backup is. */
export interface SourceOptions {
  endpoint?: string;
  region?: string;
}

/** Reads a backup; what is wrong with it is said for people. */
export async function readingBackup<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    const { message, hint } = errorOf(fault);
    throw Object.assign(new Error(message), { hint });
  }
}

/** Refuses a name that leads to no file; what a bucket has is seen later. @throws UsageError */
export const checkBackupName = async (place: string): Promise<void> => {
  if (!place.startsWith('s3://')) await checkNamed(place);
};

/**
 * Opens a backup: a file, or an object of a bucket.
 * @param place a path, `s3://bucket/key`, or `s3://bucket/prefix/`
 * @throws BackupProblem, and what the file system says
 */
export async function withBackup<T>(
  place: string,
  options: SourceOptions,
  use: (backup: { name: string; body: Readable }) => Promise<T>,
): Promise<T> {
  const [, bucket, key = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(place) ?? [];
  if (bucket === undefined) return use({ name: path.basename(place), body: createReadStream(place) });
  return withBucket(bucket, options, async (client) => {
    const found = key === '' || key.endsWith('/') ? await newestBelow(client, key) : key;
    const { body } = await client.get(found);
    return use({ name: path.posix.basename(found), body });
  });
}

/** The built-in S3 provider, in this process: there is no daemon here. */
async function withBucket<T>(
  bucket: string,
  { endpoint = '', region = '' }: SourceOptions,
  use: (client: StorageClient) => Promise<T>,
): Promise<T> {
  const { STREAMHUB_BACKUP_KEY: key = '', STREAMHUB_BACKUP_SECRET: secret = '' } = process.env;
  if (key === '' || secret === '')
    throw new Error('set STREAMHUB_BACKUP_KEY and STREAMHUB_BACKUP_SECRET to the keys of the bucket');
  const provider = endpoint === '' ? 'aws' : 'minio';
  const records = await readPlugins([{ dir: BUILT_IN_PLUGINS, origin: 'built-in' }]);
  const plugin = records.find(({ providers }) => providers.some(({ id }) => id === provider));
  if (plugin?.entry == null) throw new Error(`the provider ${provider} is missing in this program`);
  const ref = { plugin: plugin.id, entry: plugin.entry, provider, inAppFolder: false, egressTarget: false };
  const access = {
    ref,
    location: { provider, settings: { bucket, region, endpoint, forcePathStyle: provider === 'minio' } },
    credentials: { key, secret },
    policy: { denyPrivate: false },
    appFolder: '',
  };
  const broker = {
    limits: { pureMs: 10_000, networkMs: 60_000 },
    lease: async () => ({ address: null, release: () => {}, kill: () => {}, checkAlive: () => {} }),
    onFault: () => {},
  };
  return runWithBroker(broker, (port) =>
    withPlugins(port, async (plugins) => {
      const { client } = await openStorage(access, plugins);
      try {
        return await use(client);
      } finally {
        client.dispose();
      }
    }),
  ).catch((error: unknown) => {
    const fault = storageFault(error);
    throw fault === undefined ? error : new BackupProblem(fault);
  });
}

/** Names end with the time at which the backup was made. */
async function newestBelow(client: StorageClient, prefix: string): Promise<string> {
  let newest: { key: string; stamp: string } | undefined;
  for await (const page of client.list({ prefix })) {
    for (const { key } of page) {
      const stamp = BACKUP_NAME.exec(path.posix.basename(key))?.[1];
      if (stamp !== undefined && (newest === undefined || stamp > newest.stamp)) newest = { key, stamp };
    }
  }
  if (newest === undefined) throw new Error(`there is no backup below ${prefix === '' ? 'this bucket' : prefix}`);
  return newest.key;
}
