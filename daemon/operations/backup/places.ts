import type { AppRegistry } from '#daemon/apps/registry/registry.ts';
import {
  LOCAL_PROVIDER,
  placeWords as locationWords,
  placeOf,
  type RecordedPlace,
  type StorageLocation,
} from '#daemon/apps/storage/location.ts';
import type { StorageAccess } from '#daemon/apps/storage/open-client.ts';
import type { ObjectOutcome, ObjectWork, StorageObjectsInput } from '#daemon/apps/storage/tasks/storage-objects.ts';
import { STORAGE_OBJECTS } from '#daemon/apps/storage/tasks.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { ApiError } from '#shared/errors.ts';
import { OWN_STORAGE } from '#shared/schema/backups.ts';
import type { BackupPlace, BackupRow } from './repository.ts';
import type { BackupStorage } from './storage.ts';

/** Folder of the objects in the bucket of an app; outside of the apps' prefixes. */
const OBJECTS = 'streamhub-backups';

/** The object of a backup in a storage. */
export interface StoredObject {
  /** The app whose storage it is; null = the storage of backups. */
  app: string | null;
  place: BackupPlace;
  key: string;
}

export interface BackupPlacesDeps {
  installation: string;
  apps: { registry: Pick<AppRegistry, 'get'> };
  config: { get(app: string): Promise<AppConfig> };
  storage: { access(app: string, place: RecordedPlace): Promise<{ access: StorageAccess }> };
  own: BackupStorage;
  plugins: PluginService;
  pool: WorkerPool;
}

/** Where backups are kept: the folder of the daemon, the storage of an app, or the storage of backups. */
export class BackupPlaces {
  readonly #deps: BackupPlacesDeps;

  constructor(deps: BackupPlacesDeps) {
    this.#deps = deps;
  }

  /**
   * Where a new backup is to be put; null = the folder.
   * @throws ApiError BACKUP_DESTINATION_UNUSABLE
   */
  async of(destination: string): Promise<{ place: BackupPlace; folder: string } | null> {
    const { apps, config, own, installation } = this.#deps;
    const unusable = (name: string, reason: string) => new ApiError('BACKUP_DESTINATION_UNUSABLE', { name, reason });
    if (destination === '') return null;
    if (destination === OWN_STORAGE) {
      const current = own.current();
      if (current === undefined) throw unusable('backups', 'none is set.');
      return { place: current.location, folder: own.folder(current.prefix) };
    }
    if (apps.registry.get(destination) === undefined) throw unusable(destination, 'there is no such app.');
    const place = placeOf((await config.get(destination)).s3);
    if (place.storage_provider === LOCAL_PROVIDER) throw unusable(destination, 'it keeps its files on this machine.');
    return { place, folder: `${OBJECTS}/${installation}` };
  }

  /** @throws ApiError STORAGE_PROVIDER_UNKNOWN, STORAGE_PROVIDER_UNAVAILABLE */
  async access({ app, place }: StoredObject): Promise<StorageAccess> {
    const { own, storage } = this.#deps;
    if (app === null) return own.access(place as StorageLocation);
    return (await storage.access(app, place as RecordedPlace)).access;
  }

  /** @throws ApiError BACKUP_STORAGE_FAILED */
  async remove(stored: StoredObject): Promise<void> {
    const { apps } = this.#deps;
    if (stored.app !== null && apps.registry.get(stored.app) === undefined) return;
    await this.#work(stored, { remove: [stored.key] });
  }

  /** Backups in the storage of backups, of any installation. @throws ApiError BACKUP_STORAGE_FAILED */
  async listOwn(): Promise<(StoredObject & { name: string; size: number; at: string | undefined })[]> {
    const { own } = this.#deps;
    const current = own.current();
    if (current === undefined) return [];
    const place = current.location;
    const { listed } = await this.#work({ app: null, place, key: '' }, { list: current.prefix });
    return listed.map(({ key, size, modifiedAt: at }) => ({
      app: null,
      place,
      key,
      name: key.slice(key.lastIndexOf('/') + 1),
      size,
      at,
    }));
  }

  async #work(stored: StoredObject, work: ObjectWork): Promise<Exclude<ObjectOutcome, { problem: string }>> {
    const { plugins, pool } = this.#deps;
    const access = await this.access(stored);
    const outcome = await plugins.withBroker(stored.app, (port) =>
      pool.run<StorageObjectsInput, ObjectOutcome>(
        STORAGE_OBJECTS,
        { access, work, port },
        { ...(stored.app === null ? {} : { app: stored.app }), transfer: [port] },
      ),
    );
    if ('problem' in outcome) throw new ApiError('BACKUP_STORAGE_FAILED', { reason: outcome.problem });
    return outcome;
  }
}

/** Where a backup is in a storage; null = in the folder. */
export const storedObject = ({ destination, place, object_key }: BackupRow): StoredObject | null =>
  place === null || object_key === null
    ? null
    : { app: destination === OWN_STORAGE ? null : destination, place, key: object_key };

/** The place of a backup for people. */
export function placeWords({ name, place, object_key, destination }: BackupRow): string {
  if (place === null) return `backups/${name}`;
  if ('provider' in place) return `${locationWords(place)}, ${object_key}`;
  return `the bucket ${place.storage_bucket} of ${destination}, ${object_key}`;
}
