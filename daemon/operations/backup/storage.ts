import { randomUUID } from 'node:crypto';
import { MACHINE_ROLE, placeId, type StorageCredentials } from '#daemon/apps/storage/credentials.ts';
import { objectKey } from '#daemon/apps/storage/keys.ts';
import { currentLocation, type StorageLocation, type StoragePlace } from '#daemon/apps/storage/location.ts';
import { maskKey } from '#daemon/apps/storage/mask.ts';
import type { StorageAccess } from '#daemon/apps/storage/open-client.ts';
import { prepareSettings } from '#daemon/apps/storage/prepare-settings.ts';
import { choosesRole } from '#daemon/apps/storage/role.ts';
import { checkBody, oddWarnings, withKeyFileInOneLine } from '#daemon/apps/storage/settings-change.ts';
import { testResult, testSteps } from '#daemon/apps/storage/trials.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { NamedSecrets, SecretFile } from '#daemon/platform/secrets/secret-file.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import { fieldError } from '#shared/errors.ts';
import type { BackupStorageBody, BackupStorageView } from '#shared/schema/backups.ts';
import type { S3TestResult } from '#shared/schema/s3.ts';
import { STORAGE_KEY } from './repository.ts';

const SECRETS = { key: 'BACKUP_STORAGE_KEY', secret: 'BACKUP_STORAGE_SECRET', role: 'BACKUP_STORAGE_ROLE' } as const;
/** Steps that only recordings need. */
const OF_PLAYERS = new Set(['link', 'pages']);

/** What is stored in the registry; credentials are in the secret store. */
interface Stored extends StoragePlace {
  prefix: string;
}

const NONE: Stored = {
  provider: 'minio',
  bucket: '',
  region: '',
  endpoint: '',
  forcePathStyle: true,
  options: {} as Stored['options'],
  prefix: 'streamhub-backups',
};

export interface BackupStorageDeps {
  meta: Meta;
  secrets: SecretFile;
  plugins: PluginService;
  pool: WorkerPool;
  policy: EndpointPolicy;
  installation: string;
  /** Places of backups that were put in a storage of backups. */
  used(): StorageLocation[];
}

/** The storage that only backups use: a bucket of any provider, with its own credentials. */
export class BackupStorage {
  readonly #deps: BackupStorageDeps;

  constructor(deps: BackupStorageDeps) {
    this.#deps = deps;
  }

  /** Where new backups are put; undefined = none is set. */
  current(): { location: StorageLocation; prefix: string } | undefined {
    const stored = this.#stored();
    return stored.bucket === '' ? undefined : { location: currentLocation(stored), prefix: stored.prefix };
  }

  /** Folder of the backups of this installation. */
  folder(prefix: string): string {
    return objectKey(prefix, this.#deps.installation);
  }

  view(warnings: readonly string[] = []): BackupStorageView {
    const { prefix, ...place } = this.#stored();
    const location = currentLocation(place);
    const { key, secret, role } = this.#credentials(location);
    return {
      ...place,
      options: (place.options ?? {}) as BackupStorageView['options'],
      prefix,
      credentials: role === undefined ? 'keys' : 'role',
      keyMasked: maskKey(key),
      hasKey: key !== '',
      hasSecret: secret !== '',
      configured: place.bucket !== '',
      warnings: [...warnings],
    };
  }

  /** Changes settings and credentials. @throws ApiError VALIDATION_FAILED, and those of providers */
  async put(body: BackupStorageBody): Promise<BackupStorageView> {
    const { next, credentials, stored, warnings } = await this.#tried(body);
    await this.#keep(next, credentials);
    this.#deps.meta.set(STORAGE_KEY, JSON.stringify(stored));
    await this.forgetUnused();
    return this.view(warnings);
  }

  /** Forgets the storage. Credentials stay as long as there are backups in it. */
  async remove(): Promise<void> {
    this.#deps.meta.set(STORAGE_KEY, JSON.stringify(NONE));
    await this.forgetUnused();
  }

  /** Tries the storage step by step, with changes that are not stored. */
  async test(body: BackupStorageBody): Promise<S3TestResult> {
    const { next, credentials, stored } = await this.#tried(body);
    const probeKey = objectKey(this.folder(stored.prefix), `.streamhub-test-${randomUUID()}`);
    const access = await this.#access(next, credentials);
    const steps = await testSteps(this.#deps, null, { access, probeKey, pageOrigin: 'http://localhost' });
    const relevant = steps.filter(({ id }) => !OF_PLAYERS.has(id));
    return testResult({ provider: next.provider, settings: next.settings }, probeKey, relevant);
  }

  /** What a task needs to open a storage of backups. @throws ApiError STORAGE_PROVIDER_UNKNOWN, STORAGE_PROVIDER_UNAVAILABLE */
  access(location: StorageLocation): Promise<StorageAccess> {
    return this.#access(location, this.#credentials(location));
  }

  /** Drops the credentials of buckets that have no backup any more. */
  async forgetUnused(): Promise<void> {
    const { secrets, used } = this.#deps;
    const current = this.current();
    const ids = new Set([...used(), ...(current ? [current.location] : [])].map(placeId));
    const gone = secrets.names().filter((name) => {
      const [use = '', id] = name.split('__');
      return id !== undefined && (Object.values(SECRETS) as string[]).includes(use) && !ids.has(id);
    });
    if (gone.length > 0) await secrets.set(Object.fromEntries(gone.map((name) => [name, null])));
  }

  #stored(): Stored {
    const text = this.#deps.meta.get(STORAGE_KEY);
    return text === undefined ? NONE : (JSON.parse(text) as Stored);
  }

  #credentials(location: StorageLocation): StorageCredentials {
    const { secrets } = this.#deps;
    const id = placeId(location);
    if (secrets.get(`${SECRETS.role}__${id}`) !== undefined) return MACHINE_ROLE;
    return {
      key: secrets.get(`${SECRETS.key}__${id}`) ?? '',
      secret: secrets.get(`${SECRETS.secret}__${id}`) ?? '',
    };
  }

  async #keep(location: StorageLocation, { key, secret, role }: StorageCredentials): Promise<void> {
    const id = placeId(location);
    const changes: NamedSecrets = {
      [`${SECRETS.key}__${id}`]: key || null,
      [`${SECRETS.secret}__${id}`]: secret || null,
      [`${SECRETS.role}__${id}`]: role ?? null,
    };
    await this.#deps.secrets.set(changes);
  }

  async #access(location: StorageLocation, credentials: StorageCredentials): Promise<StorageAccess> {
    const { plugins, policy } = this.#deps;
    const ref = await plugins.provider(location.provider);
    return { ref, location, credentials: { ...credentials }, policy, appFolder: '' };
  }

  /** The storage that the stored settings with these changes lead to. */
  async #tried(given: BackupStorageBody): Promise<{
    next: StorageLocation;
    credentials: StorageCredentials;
    stored: Stored;
    warnings: string[];
  }> {
    const { plugins } = this.#deps;
    const body = withKeyFileInOneLine(given);
    checkBody(body);
    const before = this.#stored();
    const provider = body.provider ?? before.provider;
    if ((await plugins.provider(provider)).inAppFolder)
      throw fieldError('body.provider', 'keeps files in the folder of an app; choose another one');
    const { settings, warnings } = await prepareSettings(this.#deps, null, before, body);
    const { bucket = '', region = '', endpoint = '', forcePathStyle = false, ...options } = settings;
    if (bucket === '') throw fieldError('body.bucket', 'is needed');
    const stored = {
      ...{ provider, bucket, region, endpoint, forcePathStyle, options },
      prefix: (body.prefix ?? before.prefix).replace(/^\/+|\/+$/g, ''),
    } as Stored;
    if (stored.prefix === '') throw fieldError('body.prefix', 'is needed, so that backups have a folder');
    const next = currentLocation(stored);
    const inForce = { location: currentLocation(before), credentials: this.#credentials(currentLocation(before)) };
    const { key, secret } = inForce.credentials;
    const credentials = choosesRole(body, inForce, next, true)
      ? MACHINE_ROLE
      : { key: body.key || key, secret: body.secret || secret };
    return { next, credentials, stored, warnings: [...warnings, ...oddWarnings(body)] };
  }
}
