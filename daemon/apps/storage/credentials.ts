import { createHash } from 'node:crypto';
import type { SecretChanges, SecretStore } from '../secrets/store.ts';
import { ownOptions, type StorageLocation, settingsText } from './location.ts';

/** What a storage is opened with; empty = not stored. */
export interface StorageCredentials {
  key: string;
  secret: string;
  /** `aws`: nothing is stored, the AWS role of this machine is used. Only ever chosen by an operator, for one place. */
  role?: 'aws';
}

/**
 * The same for one bucket with any provider and region, because credentials belong to the bucket. A provider's own
 * settings can say which one it is, e.g. by a tenant.
 */
export function placeId(location: StorageLocation): string {
  const { endpoint, bucket } = location.settings;
  const where = endpoint === '' ? location.provider : (URL.parse(endpoint)?.href ?? endpoint);
  const options = settingsText(ownOptions(location));
  return createHash('sha256')
    .update(JSON.stringify([where, bucket, ...(options === '{}' ? [] : [options])]))
    .digest('hex')
    .slice(0, 16);
}

/** The credentials that an app's config works with: those of its current bucket. */
export function storageCredentials(secrets: SecretStore, app: string, current: StorageLocation): StorageCredentials {
  const kept =
    secrets.origin(app, 's3AccessKey') === 'environment' ? undefined : keptCredentials(secrets, app)[placeId(current)];
  return kept ?? mainCredentials(secrets, app);
}

/** The credentials for recordings in any place: those kept for it, else those of the config. */
export function credentialsAt(secrets: SecretStore, app: string, location: StorageLocation): StorageCredentials {
  return keptCredentials(secrets, app)[placeId(location)] ?? mainCredentials(secrets, app);
}

export function mainCredentials(secrets: SecretStore, app: string): StorageCredentials {
  return { key: secrets.get(app, 's3AccessKey'), secret: secrets.get(app, 's3SecretKey') };
}

/** Credentials of buckets that hold older recordings, by `placeId`. */
export function keptCredentials(secrets: SecretStore, app: string): Record<string, StorageCredentials> {
  return Object.fromEntries(
    secrets
      .keptFor(app)
      .map((id) => [
        id,
        secrets.get(app, `s3Role@${id}`) === 'aws'
          ? MACHINE_ROLE
          : { key: secrets.get(app, `s3AccessKey@${id}`), secret: secrets.get(app, `s3SecretKey@${id}`) },
      ]),
  );
}

/** The credentials of an app that uses the machine's role. */
export const MACHINE_ROLE: Readonly<StorageCredentials> = { key: '', secret: '', role: 'aws' };

/** The provider whose storages accept them. */
export const ROLE_PROVIDER = 'aws';

/** The change that keeps credentials for a place, or forgets them with null. */
export const keep = (id: string, credentials: StorageCredentials | null): SecretChanges => ({
  [`s3AccessKey@${id}`]: credentials?.key ?? null,
  [`s3SecretKey@${id}`]: credentials?.secret ?? null,
  [`s3Role@${id}`]: credentials?.role ?? null,
});
