import type { AppConfig } from '#shared/config/defaults.ts';
import type { S3View } from '#shared/schema/s3.ts';
import type { Place } from './keys.ts';

/** The app's storage block as configured, in the API's words. */
export type StorageBlock = Omit<AppConfig['s3'], 'provider'> & {
  /** A built-in one, or one of a plugin. */
  provider: string;
};

/** The part of it that says where the storage is. */
export type StoragePlace = Pick<
  StorageBlock,
  'provider' | 'bucket' | 'region' | 'endpoint' | 'forcePathStyle' | 'options'
>;

/** The built-in provider of anything that is in the app's own folder. */
export const LOCAL_PROVIDER = 'local';

/** Where recordings go if no bucket is configured. */
const LOCAL_LOCATION: StorageLocation = {
  provider: LOCAL_PROVIDER,
  settings: { bucket: '', region: '', endpoint: '', forcePathStyle: false },
};

/** Do new recordings stay in the app's folder? By choice, or because there is no bucket. */
export function isKeptLocally(block: Pick<StorageBlock, 'provider' | 'bucket'>): boolean {
  return block.provider === LOCAL_PROVIDER || block.bucket === '';
}

/** How new recordings get to their storage; see `S3View.recordingPath`. */
export function recordingPath(
  block: Pick<StorageBlock, 'provider' | 'bucket'>,
  providers: Readonly<Record<string, { egressTarget: boolean }>>,
): S3View['recordingPath'] {
  if (isKeptLocally(block)) return 'folder';
  const known = Object.hasOwn(providers, block.provider) ? providers[block.provider] : undefined;
  // a missing plugin can be back when the recording ends
  return known?.egressTarget === true ? 'direct' : 'moved';
}

/** Provider of rows whose object is in no storage of the app. It is never opened, because only its address is known. */
export const ELSEWHERE_PROVIDER = 'elsewhere';

/** Settings of a provider, flat: the shared four and the provider's own. */
interface ProviderSettings extends Record<string, unknown> {
  bucket: string;
  region: string;
  endpoint: string;
  forcePathStyle: boolean;
}

/** One storage: the provider and what it needs to open it, credentials aside. */
export interface StorageLocation {
  provider: string;
  settings: ProviderSettings;
}

/** Where the config says that new objects go. */
export function currentLocation(block: StoragePlace): StorageLocation {
  if (block.provider === LOCAL_PROVIDER) return LOCAL_LOCATION;
  const { provider, bucket, region, endpoint, forcePathStyle } = block;
  return { provider, settings: { ...block.options, bucket, region, endpoint, forcePathStyle } };
}

/**
 * Where objects are of which no place was written down. An app that keeps its files here now had its bucket before: the
 * config still names it, but not its provider; every S3-compatible one is read the same way.
 */
export function unrecordedLocation(block: StorageBlock): StorageLocation {
  if (block.provider !== LOCAL_PROVIDER || block.bucket === '') return currentLocation(block);
  const { bucket, region, endpoint, forcePathStyle } = block;
  const provider = endpoint === '' ? 'aws' : 'minio';
  return { provider, settings: { bucket, region, endpoint, forcePathStyle } };
}

/** Columns of a VOD row that say where its objects were put. */
export interface RecordedPlace {
  storage_provider: string | null;
  storage_bucket: string | null;
  storage_region: string | null;
  storage_endpoint: string | null;
  storage_force_path_style: number | null;
  /** The provider's own settings as JSON, sorted by name; null = they were not recorded. */
  storage_options: string | null;
}

/** The same as a list. */
export const PLACE_COLUMNS = [
  'storage_provider',
  'storage_bucket',
  'storage_region',
  'storage_endpoint',
  'storage_force_path_style',
  'storage_options',
] as const satisfies (keyof RecordedPlace)[];

/** Only the place columns of a row. */
export const recordedPlace = (row: RecordedPlace): RecordedPlace =>
  Object.fromEntries(PLACE_COLUMNS.map((name) => [name, row[name]])) as unknown as RecordedPlace;

/**
 * Where a VOD's objects are: as recorded with it, and for anything that was not as in `otherwise`.
 * @param otherwise what `unrecordedLocation` says
 */
export function recordedLocation(row: RecordedPlace, otherwise: StorageLocation): StorageLocation {
  if (row.storage_provider === LOCAL_PROVIDER) return LOCAL_LOCATION;
  if (row.storage_bucket === null || row.storage_bucket === '') return otherwise;
  const provider = row.storage_provider ?? otherwise.provider;
  const isSameProvider = provider === otherwise.provider;
  const pathStyle = row.storage_force_path_style;
  // a row from before options were recorded has no such column where it was kept as JSON
  const recorded = row.storage_options ?? null;
  const options: Record<string, unknown> =
    recorded !== null ? JSON.parse(recorded) : isSameProvider ? ownOptions(otherwise) : {};
  return {
    provider,
    settings: {
      ...options,
      bucket: row.storage_bucket,
      region: row.storage_region ?? otherwise.settings.region,
      endpoint: row.storage_endpoint ?? (isSameProvider ? otherwise.settings.endpoint : ''),
      forcePathStyle: pathStyle === null ? otherwise.settings.forcePathStyle : pathStyle === 1,
    },
  };
}

/** Settings that only this provider has, e.g. a tenant. */
export function ownOptions({ settings }: StorageLocation): Record<string, unknown> {
  const { bucket: _bucket, region: _region, endpoint: _endpoint, forcePathStyle: _pathStyle, ...options } = settings;
  return options;
}

/** Equal for equal settings. */
export const settingsText = (settings: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1))));

/** Is it the same storage, as far as both say? */
export const isSamePlace = (a: RecordedPlace, b: RecordedPlace): boolean =>
  PLACE_COLUMNS.every(
    (name) => a[name] === b[name] || (name === 'storage_options' && (a[name] === null || b[name] === null)),
  );

/** Is an object of that place under the app's public URL, if it has one? */
export function isUnderPublicUrl(row: RecordedPlace, block: StorageBlock): boolean {
  if (row.storage_provider === ELSEWHERE_PROVIDER) return false;
  const current = currentLocation(block);
  const { provider, settings } = recordedLocation(row, unrecordedLocation(block));
  const isLocal = provider === LOCAL_PROVIDER || current.provider === LOCAL_PROVIDER;
  return isLocal ? provider === current.provider : settings.bucket === current.settings.bucket;
}

/** The place as links name it: viewers may reach the endpoint of the config at another address. */
export function signedLocation(location: StorageLocation, block: StorageBlock): StorageLocation {
  const isCurrent = location.settings.endpoint === block.endpoint && location.provider === block.provider;
  if (block.publicEndpoint === '' || !isCurrent) return location;
  return { ...location, settings: { ...location.settings, endpoint: block.publicEndpoint } };
}

/** Equal for equal places. */
export function locationId(location: StorageLocation): string {
  const { provider, settings } = location;
  return JSON.stringify([provider, settingsText(settings)]);
}

/** A storage for people, e.g. `the bucket films at https://s3.example.com`. */
export function placeWords({ provider, settings: { bucket, endpoint } }: StorageLocation): string {
  return `the bucket ${bucket || '(none)'} at ${endpoint || provider}`;
}

/** Of a VOD whose file is in the app's folder. */
export const LOCAL_PLACE: RecordedPlace = {
  storage_provider: LOCAL_PROVIDER,
  storage_bucket: null,
  storage_region: null,
  storage_endpoint: null,
  storage_force_path_style: null,
  storage_options: null,
};

/** Of a VOD whose object is in no storage of the app. */
export const elsewhere = (bucket: string | null): RecordedPlace => ({
  ...LOCAL_PLACE,
  storage_provider: ELSEWHERE_PROVIDER,
  storage_bucket: bucket,
});

/** The bucket of a place; null when it has none, or isn't the app's. */
export function bucketOf(row: RecordedPlace): Place | null {
  if (row.storage_bucket === null || row.storage_provider === ELSEWHERE_PROVIDER) return null;
  return {
    bucket: row.storage_bucket,
    region: row.storage_region ?? '',
    endpoint: row.storage_endpoint ?? '',
    forcePathStyle: row.storage_force_path_style === 1,
  };
}

/** What to store with a new VOD: where its objects go. */
export function placeOf(block: StorageBlock): RecordedPlace {
  if (isKeptLocally(block)) return LOCAL_PLACE;
  return {
    storage_provider: block.provider,
    storage_bucket: block.bucket,
    storage_region: block.region,
    storage_endpoint: block.endpoint,
    storage_force_path_style: block.forcePathStyle ? 1 : 0,
    storage_options: settingsText(block.options ?? {}),
  };
}
