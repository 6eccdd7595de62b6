import type { Log } from '#daemon/platform/log.ts';
import { type DeclaredCredential, hasRequired } from '#daemon/plugins/provider-calls.ts';
import { isOptionValue, OPTION_VALUES, type S3View } from '#shared/schema/s3.ts';
import type { SecretStore } from '../secrets/store.ts';
import { keptCredentials, placeId, storageCredentials } from './credentials.ts';
import type { LastUses } from './last-use.ts';
import {
  currentLocation,
  isKeptLocally,
  LOCAL_PROVIDER,
  ownOptions,
  type StorageBlock,
  type StorageLocation,
} from './location.ts';
import { maskKey, maskSecret } from './mask.ts';
import type { OldPlaces } from './old-places.ts';

interface ViewDeps {
  secrets: SecretStore;
  oldPlaces: OldPlaces;
  uses: Pick<LastUses, 'of'>;
  log: Log<'warn'>;
}

interface StorageFacts {
  path: S3View['recordingPath'];
  warnings: readonly string[];
  /** What the provider needs; undefined while its plugin can't say. */
  declared: readonly DeclaredCredential[] | undefined;
}

/** While a plugin can't say what its provider needs, a storage counts as configured with both. */
const BOTH: readonly DeclaredCredential[] = [
  { name: 'key', required: true },
  { name: 'secret', required: true },
];

/** Options of a config that was edited by hand can be anything. */
const shownOptions = (options: object): S3View['options'] =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => isOptionValue(value)));

/** A database that cannot be read does not hide the settings. */
function elsewhereOf(
  app: string,
  current: StorageLocation,
  { secrets, oldPlaces, log }: ViewDeps,
): S3View['elsewhere'] {
  try {
    const kept = keptCredentials(secrets, app);
    return oldPlaces.list(app, current).map(({ location, recordings }) => ({
      provider: location.provider,
      bucket: location.settings.bucket,
      endpoint: location.settings.endpoint,
      options: shownOptions(ownOptions(location)),
      recordings,
      credentials: placeId(location) in kept ? ('own' as const) : ('current' as const),
    }));
  } catch (err) {
    log.warn({ app, err }, 'recordings in other buckets could not be counted');
    return [];
  }
}

const PATH_WORDS: Readonly<Record<S3View['recordingPath'], string>> = {
  direct: 'LiveKit writes recordings to this storage.',
  folder: 'LiveKit writes recordings to the app’s folder on this machine, and they stay there.',
  moved:
    'LiveKit can’t write to this storage. It writes recordings to the app’s folder on this machine, and a job moves each one to the storage.',
};

/** The app's storage, without secrets. */
export function storageView(
  app: string,
  block: StorageBlock,
  { path: recordingPath, warnings, declared }: StorageFacts,
  deps: ViewDeps,
): S3View {
  const { secrets } = deps;
  const current = currentLocation(block);
  const { key, secret, role } = storageCredentials(secrets, app, current);
  const elsewhere = elsewhereOf(app, current, deps);
  const recordingsElsewhere = elsewhere.reduce((sum, { recordings }) => sum + recordings, 0);
  const keySource = secrets.origin(app, 's3AccessKey');
  const secretSource = secrets.origin(app, 's3SecretKey');
  const accessKeyEnv = secrets.reference(app, 's3AccessKey');
  const secretKeyEnv = secrets.reference(app, 's3SecretKey');
  const fromOutside = [
    ...(keySource === 'environment' ? [accessKeyEnv] : []),
    ...(secretSource === 'environment' ? [secretKeyEnv] : []),
  ].map((name) => `${name} is set in the environment of the daemon and wins over the stored value`);
  const isRoleElsewhere = Object.values(keptCredentials(secrets, app)).some((kept) => kept.role !== undefined);
  const lostRole =
    role === undefined && key === '' && isRoleElsewhere
      ? [
          'The machine’s role was chosen for another bucket. An operator can choose it for this one, or enter access keys',
        ]
      : [];
  const odd = Object.entries(block.options ?? {})
    .filter(([, value]) => !isOptionValue(value))
    .map(([name]) => `options.${name} of the config is not ${OPTION_VALUES}, so it is not shown`);
  const publicVods = block.publicUrl !== '';
  return {
    provider: block.provider,
    bucket: block.bucket,
    region: block.region,
    endpoint: block.endpoint,
    forcePathStyle: block.forcePathStyle,
    prefix: block.prefix,
    public_url: block.publicUrl,
    public_endpoint: block.publicEndpoint,
    options: shownOptions(block.options ?? {}),
    credentials: role === undefined ? 'keys' : 'role',
    accessKeyEnv,
    secretKeyEnv,
    key: maskKey(key),
    keyMasked: maskKey(key),
    secret: maskSecret(secret),
    secretMasked: maskSecret(secret),
    hasKey: key !== '',
    hasSecret: secret !== '',
    keySource,
    secretSource,
    configured:
      block.provider === LOCAL_PROVIDER || role !== undefined || hasRequired(declared ?? BOTH, { key, secret }),
    lastUse: isKeptLocally(block) ? null : deps.uses.of(app, current),
    keptLocally: isKeptLocally(block),
    recordingPath,
    recordingPathNote: PATH_WORDS[recordingPath],
    publicVods,
    publicWarning: publicVods
      ? `Anyone who has its address can watch a recording of this app through ${block.publicUrl}.`
      : null,
    recordingsElsewhere,
    elsewhere,
    warnings: [...warnings, ...fromOutside, ...lostRole, ...odd],
  };
}
