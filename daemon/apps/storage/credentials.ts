import type { SecretStore } from '../secrets/store.ts';

/** The app's storage credentials; empty = not stored. */
export function storageCredentials(secrets: SecretStore, app: string): { key: string; secret: string } {
  return { key: secrets.get(app, 's3AccessKey'), secret: secrets.get(app, 's3SecretKey') };
}
