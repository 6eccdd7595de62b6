import { setTimeout as wait } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Db } from '#daemon/platform/db/open.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import type { SecretChanges, SecretStore } from '../secrets/store.ts';
import {
  keep,
  keptCredentials,
  MACHINE_ROLE,
  mainCredentials,
  placeId,
  type StorageCredentials,
} from './credentials.ts';
import {
  ELSEWHERE_PROVIDER,
  LOCAL_PROVIDER,
  locationId,
  PLACE_COLUMNS,
  type RecordedPlace,
  recordedLocation,
  type StorageLocation,
} from './location.ts';
import type { StorageAccess } from './open-client.ts';
import type { StorageProbeInput, StorageProbeOutput } from './tasks/storage-probe.ts';
import { STORAGE_PROBE } from './tasks.ts';

/** How long a storage's answer about its objects is used, milliseconds. */
const PROBE_COUNTS_MS = 60_000;
/** How long a response with links waits for a storage's first answer. */
const PROBE_WAIT_MS = 1500;
/** Objects that are tried before a place counts as refused. */
const PROBED_KEYS = 3;
const PLACE = PLACE_COLUMNS.join(', ');

export interface OldPlacesDeps {
  secrets: SecretStore;
  plugins: PluginService;
  pool: WorkerPool;
  database(app: string): Db;
  access(app: string, location: StorageLocation, credentials: StorageCredentials): Promise<StorageAccess>;
}

/** A bucket that recordings of an app are in. */
export interface RecordingPlace {
  location: StorageLocation;
  recordings: number;
  /** Key of an object there. */
  key: string;
}

type Probe = Promise<StorageProbeOutput>;

/** The buckets that older recordings are in: which ones, whose credentials open them, and whether those still work. */
export class OldPlaces {
  readonly #deps: OldPlacesDeps;
  readonly #probes = new LRUCache<string, Probe>({ max: 2000, ttl: PROBE_COUNTS_MS });

  constructor(deps: OldPlacesDeps) {
    this.#deps = deps;
  }

  /** The buckets with recordings beside the current one. Rows without a recorded place follow the config. */
  list(app: string, current: StorageLocation): RecordingPlace[] {
    const rows = this.#deps
      .database(app)
      .prepare<[], RecordedPlace & { recordings: number; key: string | null }>(
        `SELECT ${PLACE}, count(*) AS recordings, max(coalesce(file_key, snapshot_key)) AS key
         FROM vods WHERE storage_bucket IS NOT NULL AND storage_bucket <> ''
           AND coalesce(storage_provider, '') NOT IN ('${LOCAL_PROVIDER}', '${ELSEWHERE_PROVIDER}')
         GROUP BY ${PLACE}
         UNION ALL SELECT ${PLACE}, 0, max(folder) || '/master.m3u8'
         FROM live_hls WHERE is_removed = 0 AND storage_bucket IS NOT NULL GROUP BY ${PLACE}`,
      )
      .all();
    const here = placeId(current);
    const places = new Map<string, RecordingPlace>();
    for (const { recordings, key, ...place } of rows) {
      const location = recordedLocation(place, current);
      const id = placeId(location);
      if (id === here) continue;
      const known = places.get(id);
      if (known !== undefined) known.recordings += recordings;
      else places.set(id, { location, recordings, key: key ?? '' });
    }
    return [...places.values()];
  }

  /**
   * What must change in the secret store when new credentials become active: buckets of older recordings keep the
   * credentials they had, unless the new ones open them too, as after a rotation of keys.
   */
  async changes(app: string, next: StorageLocation, given: Partial<StorageCredentials>): Promise<SecretChanges> {
    const { secrets } = this.#deps;
    const kept = keptCredentials(secrets, app);
    const here = kept[placeId(next)];
    const before = mainCredentials(secrets, app);
    if (given.role !== undefined) return { ...this.#unneeded(app, next, kept), ...keep(placeId(next), MACHINE_ROLE) };
    // keep the missing half of a place's own credentials
    const base = here === undefined || here.role !== undefined ? before : here;
    const after = { key: given.key || base.key, secret: given.secret || base.secret };
    const changes: SecretChanges = { s3AccessKey: after.key, s3SecretKey: after.secret };
    if (here !== undefined) Object.assign(changes, keep(placeId(next), null));
    for (const { location, key } of this.list(app, next)) {
      const id = placeId(location);
      const own = kept[id];
      // separate credentials that this change doesn't replace
      if (own !== undefined && !isSame(own, before)) continue;
      const isFromFile = secrets.origin(app, 's3AccessKey') === 'file' && secrets.origin(app, 's3SecretKey') === 'file';
      const opens = (await this.probe(app, location, after, [key])).state === 'ok';
      if (opens) Object.assign(changes, keep(id, null));
      else if (own === undefined && isFromFile && !isSame(before, after)) Object.assign(changes, keep(id, before));
    }
    return { ...changes, ...this.#unneeded(app, next, kept) };
  }

  /** Forgets what is kept for places without recordings. */
  #unneeded(app: string, next: StorageLocation, kept: Record<string, StorageCredentials>): SecretChanges {
    const needed = new Set(this.list(app, next).map(({ location }) => placeId(location)));
    const ids = Object.keys(kept).filter((id) => !needed.has(id));
    return Object.assign({}, ...ids.map((id) => keep(id, null)));
  }

  /** Drops kept credentials of buckets that no row needs any more. */
  async forget(app: string, current: StorageLocation): Promise<void> {
    const { secrets } = this.#deps;
    if (secrets.keptFor(app).length === 0) return;
    await secrets.set(app, () => {
      const { [placeId(current)]: _inUse, ...others } = keptCredentials(secrets, app);
      return this.#unneeded(app, current, others);
    });
  }

  /** Asks a storage whether it serves some objects with these credentials; the answer is used for a minute. */
  probe(app: string, location: StorageLocation, credentials: StorageCredentials, keys: readonly string[]): Probe {
    const id = JSON.stringify([app, locationId(location), credentials]);
    let probe = this.#probes.get(id);
    if (probe === undefined) {
      probe = this.#ask(app, location, credentials, keys);
      this.#probes.set(id, probe);
    }
    return probe;
  }

  /** Why links to a place don't open, if the storage has refused. Doesn't wait for a slow storage. */
  async refusal(
    app: string,
    location: StorageLocation,
    credentials: StorageCredentials,
    keys: readonly string[],
  ): Promise<string | undefined> {
    const probe = this.probe(app, location, credentials, keys.slice(0, PROBED_KEYS));
    const answer = await Promise.race([probe, wait(PROBE_WAIT_MS, undefined, { ref: false })]);
    return answer?.state === 'refused' ? answer.problem : undefined;
  }

  async #ask(
    app: string,
    location: StorageLocation,
    credentials: StorageCredentials,
    keys: readonly string[],
  ): Promise<StorageProbeOutput> {
    const { plugins, pool } = this.#deps;
    try {
      const access = await this.#deps.access(app, location, credentials);
      return await plugins.withBroker(app, (port) =>
        pool.run<StorageProbeInput, StorageProbeOutput>(
          STORAGE_PROBE,
          { access, keys, port },
          { app, transfer: [port] },
        ),
      );
    } catch (error) {
      return { state: 'away', problem: (error as Error).message };
    }
  }
}

const isSame = (a: StorageCredentials, b: StorageCredentials): boolean =>
  a.key === b.key && a.secret === b.secret && a.role === b.role;
