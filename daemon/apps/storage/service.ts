import type { MessagePort } from 'node:worker_threads';
import type { Db } from '#daemon/platform/db/open.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { TaskKind, WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { playbackPlan } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import type {
  PutS3Body,
  S3BucketResult,
  S3CorsResult,
  S3TestResult,
  S3View,
  StorageProvider,
  TestS3Body,
} from '#shared/schema/s3.ts';
import type { ConfigService } from '../config/service.ts';
import type { AppEntry } from '../registry/registry.ts';
import type { SecretChanges, SecretStore } from '../secrets/store.ts';
import { type AppFiles, NOT_THERE } from './app-files.ts';
import {
  credentialsAt,
  MACHINE_ROLE,
  mainCredentials,
  type StorageCredentials,
  storageCredentials,
} from './credentials.ts';
import type { FileLinks } from './file-links.ts';
import { linkLifetime, publicUrl } from './keys.ts';
import { type LastUse, LastUses } from './last-use.ts';
import {
  currentLocation,
  ELSEWHERE_PROVIDER,
  isUnderPublicUrl,
  LOCAL_PLACE,
  LOCAL_PROVIDER,
  locationId,
  type RecordedPlace,
  recordedLocation,
  recordingPath,
  type StorageBlock,
  type StorageLocation,
  signedLocation,
  unrecordedLocation,
} from './location.ts';
import { type LinkRequest, NOT_OURS, type ObjectLinks } from './object-links.ts';
import { OldPlaces } from './old-places.ts';
import type { StorageAccess } from './open-client.ts';
import type { PageAccess } from './page-access.ts';
import { prepareSettings } from './prepare-settings.ts';
import { type Purger, requireComplete } from './purger.ts';
import { type RecordingTarget, RecordingTargets } from './recording-target.ts';
import { choosesRole } from './role.ts';
import { changedPlace, checkBody, oddWarnings, storageEdits, withKeyFileInOneLine } from './settings-change.ts';
import { SignedPlaylists } from './signed-playlists.ts';
import { storageView } from './storage-view.ts';
import type { StorageLinksInput, StorageLinksOutput } from './tasks/storage-links.ts';
import type { ObjectOutcome, ObjectWork, StorageObjectsInput } from './tasks/storage-objects.ts';
import { STORAGE_LINKS, STORAGE_OBJECTS } from './tasks.ts';
import { StorageTrials, type Tried } from './trials.ts';
import { WriteCheck } from './write-check.ts';

export interface StorageServiceDeps {
  config: ConfigService;
  secrets: SecretStore;
  plugins: PluginService;
  purger: Purger;
  pool: WorkerPool;
  policy: EndpointPolicy;
  files: AppFiles;
  fileLinks: FileLinks;
  apps: { require(name: string): AppEntry };
  appFolder(app: string): string;
  /** Where recordings are stored below it. */
  localDir(app: string): Promise<string>;
  /** What the storage or its provider refused: `presign`, or a step of the test. */
  onRefused?(op: string): void;
  pages: PageAccess;
  /** Public address of the daemon, whose pages play what is stored. */
  daemonUrl(): string;
  /** Called with credentials that must not be logged. @returns forgets them */
  conceal?(value: string): () => void;
  log: Log<'warn'>;
  database(app: string): Db;
}

interface PutOptions {
  actor: Actor;
  /** Header If-Match. */
  ifMatch?: string | undefined;
  /** May choose the machine's role. */
  isOperator: boolean;
}

/** The apps' storages: their settings, tests, links and deletions. Nothing of a provider runs outside of a worker. */
export class StorageService {
  readonly #deps: StorageServiceDeps;

  readonly #uses = new LastUses();
  readonly #trials: StorageTrials;
  readonly #oldPlaces: OldPlaces;
  readonly #writeCheck: WriteCheck;
  readonly #targets: RecordingTargets;
  /** HLS from storages that are not public. */
  readonly playlists: SignedPlaylists;

  constructor(deps: StorageServiceDeps) {
    this.#deps = deps;
    const { secrets, plugins, pool, database, pages, daemonUrl, log } = deps;
    this.#oldPlaces = new OldPlaces({
      secrets,
      plugins,
      pool,
      database,
      access: (app, location, credentials) => this.#access(app, location, { ...credentials }),
    });
    this.#trials = new StorageTrials({ ...deps, uses: this.#uses });
    this.#targets = new RecordingTargets(deps);
    this.#writeCheck = new WriteCheck({ pool, plugins, pages, daemonUrl, log });
    this.playlists = new SignedPlaylists({
      links: deps.fileLinks,
      files: deps.files,
      apps: deps.apps,
      access: (app, place) => this.access(app, place),
      pool,
      plugins,
    });
  }

  /** All providers that work, with their forms. */
  async providers(): Promise<StorageProvider[]> {
    const providers = await this.#deps.plugins.providers();
    return providers.map(({ maxDeleteBatch: _, credentials, ...provider }) => ({
      ...provider,
      credentials: [...credentials],
    }));
  }

  /** The app's storage, without secrets. */
  async view(app: string): Promise<S3View> {
    return this.#view(app, (await this.#deps.config.get(app)).s3, []);
  }

  /** Changes settings and credentials, all or nothing. */
  async put(app: string, given: PutS3Body, options: PutOptions): Promise<{ view: S3View; etag: string }> {
    const body = withKeyFileInOneLine(given);
    checkBody(body);
    let found: readonly string[] = [];
    const secrets: SecretChanges = {};
    const edits = async ({ s3 }: AppConfig) => {
      const { settings, warnings } = await prepareSettings(this.#deps, app, s3, body);
      found = [...warnings, ...oddWarnings(body)];
      const place = changedPlace(s3, body, settings);
      const next = currentLocation(place);
      const isRole = choosesRole(body, this.#inForce(app, s3), next, options.isOperator);
      if (isRole !== undefined) {
        const { key = '', secret = '' } = body;
        Object.assign(secrets, await this.#oldPlaces.changes(app, next, isRole ? MACHINE_ROLE : { key, secret }));
      }
      return storageEdits(s3, body, place);
    };
    // validate while this config is locked, so that no concurrent write forces a retry
    const { config, etag } = await this.#deps.config.edit(app, edits, {
      actor: options.actor,
      reason: 's3',
      ifMatch: options.ifMatch,
      confirmPublic: body.confirmPublic,
      secrets,
    });
    return { view: await this.#view(app, config.s3, found), etag };
  }

  /** What must change in the secret store so that new credentials become active. An empty one stays. */
  credentialChanges(app: string, next: StorageBlock, given: { key: string; secret: string }): Promise<SecretChanges> {
    return this.#oldPlaces.changes(app, currentLocation(next), given);
  }

  /** Tries the storage step by step, with changes that are not stored. */
  async test(app: string, body: TestS3Body, isOperator: boolean): Promise<S3TestResult> {
    return this.#trials.test(app, body.prefix, await this.#tried(app, body, isOperator));
  }

  /**
   * Creates the bucket of the settings, with changes that are not stored.
   * @throws ApiError STORAGE_BUCKET_NOT_CREATED
   */
  async createBucket(app: string, body: TestS3Body, isOperator: boolean): Promise<S3BucketResult> {
    return this.#trials.createBucket(app, await this.#tried(app, body, isOperator));
  }

  /**
   * Lets pages of any site read the bucket of the settings, with changes that are not stored.
   * @throws ApiError STORAGE_CORS_NOT_SET
   */
  async allowPages(app: string, body: TestS3Body, isOperator: boolean): Promise<S3CorsResult> {
    return this.#trials.allowPages(app, await this.#tried(app, body, isOperator));
  }

  /** The storage that the stored settings with these changes lead to. */
  async #tried(app: string, given: TestS3Body, isOperator: boolean): Promise<Tried> {
    const body = withKeyFileInOneLine(given);
    checkBody(body);
    const { s3: block } = await this.#deps.config.get(app);
    const { settings } = await prepareSettings(this.#deps, app, block, body);
    const next = currentLocation(changedPlace(block, body, settings));
    const stored = storageCredentials(this.#deps.secrets, app, next);
    const keys = stored.role === undefined ? stored : mainCredentials(this.#deps.secrets, app);
    const credentials = choosesRole(body, this.#inForce(app, block), next, isOperator)
      ? { ...MACHINE_ROLE }
      : { key: body.key || keys.key, secret: body.secret || keys.secret };
    const access = await this.#access(app, next, credentials);
    return { access, prefix: block.prefix, provider: next.provider, settings };
  }

  /** Something outside used the storage of a recorded place. */
  async noteUse(app: string, place: RecordedPlace, use: Omit<LastUse, 'at'>): Promise<void> {
    const { s3 } = await this.#deps.config.get(app);
    this.#uses.note(app, recordedLocation(place, unrecordedLocation(s3)), use);
  }

  /** Apps whose storage failed when it was last used, with the reason. */
  async troubles(): Promise<{ app: string; reason: string }[]> {
    const found: { app: string; reason: string }[] = [];
    for (const app of this.#uses.appsInTrouble()) {
      const settled = await this.#deps.config.get(app).catch(() => undefined);
      const reason = settled && this.#uses.awayReason(app, currentLocation(settled.s3));
      if (reason !== undefined) found.push({ app, reason });
    }
    return found;
  }

  /** Links to objects of an app, in the order asked for. A storage that cannot be opened gives nulls and says why. */
  async links(app: string, requests: readonly LinkRequest[]): Promise<ObjectLinks[]> {
    const config = await this.#deps.config.get(app);
    const block = config.s3;
    const { vodBaseUrl: base } = playbackPlan(config);
    const unrecorded = unrecordedLocation(block);
    const answers: ObjectLinks[] = requests.map(({ key, place }) => {
      if (place.storage_provider === ELSEWHERE_PROVIDER) return { ...NOT_OURS };
      const isOpen = base !== '' && isUnderPublicUrl(place, block);
      return { publicUrl: isOpen ? publicUrl(base, key) : null, presignedUrl: null, problem: null };
    });
    const groups = new Map<string, { location: StorageLocation; indexes: number[] }>();
    requests.forEach(({ place }, index) => {
      if (place.storage_provider === ELSEWHERE_PROVIDER) return;
      const location = recordedLocation(place, unrecorded);
      const id = locationId(location);
      const group = groups.get(id);
      if (group === undefined) groups.set(id, { location, indexes: [index] });
      else group.indexes.push(index);
    });
    await this.#linkFiles(app, groups.values(), requests, answers);
    const { plugins, pool, policy, appFolder } = this.#deps;
    const known = await plugins.providerRefs();
    for (const { location, indexes } of groups.values()) {
      if (location.provider === LOCAL_PROVIDER) continue;
      const ref = Object.hasOwn(known, location.provider) ? known[location.provider] : undefined;
      const explain = (problem: string) => {
        for (const index of indexes) (answers[index] as ObjectLinks).problem = problem;
      };
      const credentials = credentialsAt(this.#deps.secrets, app, location);
      if (ref === undefined) {
        explain(`The storage provider ${location.provider} is not installed.`);
        continue;
      }
      const keys = indexes.map((index) => (requests[index] as LinkRequest).key).filter((key) => key !== '');
      const refusal = await this.#oldPlaces.refusal(app, location, credentials, [...new Set(keys)]);
      if (refusal !== undefined) {
        for (const index of indexes) (answers[index] as ObjectLinks).isRefused = true;
        explain(`A link would not work. ${refusal}`);
        continue;
      }
      const access: StorageAccess = {
        ref,
        location: signedLocation(location, block),
        credentials: { ...credentials },
        policy,
        appFolder: appFolder(app),
      };
      const links = indexes.map((index) => {
        const { key, expiresIn, downloadName } = requests[index] as LinkRequest;
        return { key, expiresIn: linkLifetime(expiresIn), ...(downloadName ? { downloadName } : {}) };
      });
      const output = await plugins.withBroker(app, (port) =>
        pool.run<StorageLinksInput, StorageLinksOutput>(
          STORAGE_LINKS,
          { access, links, port },
          { app, transfer: [port] },
        ),
      );
      if ('problem' in output) {
        if (output.isFault) this.#deps.onRefused?.('presign');
        explain(output.problem);
        continue;
      }
      indexes.forEach((index, position) => {
        const { key, place, isPlaylist, expiresIn } = requests[index] as LinkRequest;
        const url = isPlaylist ? this.playlists.link(app, { key, place }, expiresIn) : output.urls[position];
        (answers[index] as ObjectLinks).presignedUrl = url ?? null;
      });
    }
    return answers;
  }

  /**
   * Deletes the objects of one VOD, its variants and segments, wherever they were put. The row is the caller's to remove.
   * @param leaveObjects deletes files in the app's folder alone
   * @throws ApiError VOD_OBJECTS_KEPT with counts; then the row must stay
   */
  async deleteVodObjects(app: string, vodId: number, leaveObjects = false): Promise<{ deleted: number }> {
    const outcome = await this.#deps.purger.run({ app, vodId, leaveObjects });
    requireComplete(outcome, 'VOD_OBJECTS_KEPT');
    return { deleted: outcome.deleted };
  }

  /**
   * Where LiveKit's egress service is told to write. Only for providers that LiveKit can write to.
   * @throws ApiError RECORDING_NOT_TAKEN when there are no credentials, or the provider has no answer
   */
  recordingTarget(app: string, block: StorageBlock): Promise<RecordingTarget> {
    return this.#targets.of(app, this.#inForce(app, block));
  }

  /** Why the app's storage refuses new objects, as sentences; undefined if it accepts them, or can't be reached from here. */
  async refusal(app: string): Promise<string | undefined> {
    const block = (await this.#deps.config.get(app)).s3;
    const { location, credentials } = this.#inForce(app, block);
    const reason = await this.#writeCheck.refusal(
      app,
      await this.#access(app, location, { ...credentials }),
      block.prefix,
    );
    if (reason !== undefined) this.#uses.note(app, location, { ok: false, what: 'recording', reason });
    return reason;
  }

  /** Why nothing can be stored with the provider that the config names; undefined when it can. */
  async providerProblem(app: string): Promise<string | undefined> {
    const { provider } = currentLocation((await this.#deps.config.get(app)).s3);
    try {
      await this.#deps.plugins.provider(provider);
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.code === 'STORAGE_PROVIDER_UNKNOWN'
        ? `The storage provider ${provider} is not installed.`
        : error.message;
    }
  }

  /** Does the app's storage use the machine's role? */
  usesRole(app: string, block: StorageBlock): boolean {
    return this.#inForce(app, block).credentials.role !== undefined;
  }

  #inForce(app: string, block: StorageBlock): { location: StorageLocation; credentials: StorageCredentials } {
    const location = currentLocation(block);
    return { location, credentials: storageCredentials(this.#deps.secrets, app, location) };
  }

  /** Drops the credentials of older buckets that no row needs any more, after a row is gone. */
  async forgetOldPlaces(app: string): Promise<void> {
    const { s3 } = await this.#deps.config.get(app);
    await this.#oldPlaces.forget(app, currentLocation(s3));
  }

  /** Links to files of the app's folder: the daemon makes and serves them itself. */
  async #linkFiles(
    app: string,
    groups: Iterable<{ location: StorageLocation; indexes: number[] }>,
    requests: readonly LinkRequest[],
    answers: ObjectLinks[],
  ): Promise<void> {
    for (const { location, indexes } of groups) {
      if (location.provider !== LOCAL_PROVIDER) continue;
      for (const index of indexes) {
        const request = requests[index] as LinkRequest;
        const answer = answers[index] as ObjectLinks;
        const made = await this.#linkFile(app, request);
        if (typeof made === 'string') answer.presignedUrl = made;
        else answer.problem = made.problem;
      }
    }
  }

  async #linkFile(app: string, request: LinkRequest): Promise<string | { problem: string }> {
    const { files } = this.#deps;
    if (!request.isPlaylist) return files.link(app, request.key, request);
    const key = await files.keyOf(app, request.key);
    return key === null ? NOT_THERE : this.playlists.link(app, { key, place: LOCAL_PLACE }, request.expiresIn);
  }

  /**
   * Reads, writes and deletes small objects of an app, in this order, in the storage of a recorded place.
   * @throws ApiError as `run` does
   */
  objects(app: string, place: RecordedPlace, work: ObjectWork): Promise<ObjectOutcome> {
    return this.run<StorageObjectsInput, ObjectOutcome>(app, place, STORAGE_OBJECTS, { work });
  }

  /**
   * Runs a task of another area with a way to the storage of a recorded place.
   * @throws ApiError STORAGE_PROVIDER_UNKNOWN, STORAGE_PROVIDER_UNAVAILABLE, and those of the pool
   */
  async run<I extends { access: StorageAccess; port: MessagePort }, O>(
    app: string,
    place: RecordedPlace,
    kind: TaskKind,
    input: Omit<I, 'access' | 'port'>,
  ): Promise<O> {
    const { plugins, pool } = this.#deps;
    const { access } = await this.access(app, place);
    return plugins.withBroker(app, (port) =>
      pool.run<I, O>(kind, { ...input, access, port } as unknown as I, { app, transfer: [port] }),
    );
  }

  /**
   * What a task needs to open the storage of a recorded place: as the daemon reaches it, and as viewers do.
   * @throws ApiError STORAGE_PROVIDER_UNKNOWN, STORAGE_PROVIDER_UNAVAILABLE
   */
  async access(app: string, place: RecordedPlace): Promise<{ access: StorageAccess; viewers: StorageAccess }> {
    const block = (await this.#deps.config.get(app)).s3;
    const location = recordedLocation(place, unrecordedLocation(block));
    const access = await this.#access(app, location, { ...credentialsAt(this.#deps.secrets, app, location) });
    return { access, viewers: { ...access, location: signedLocation(location, block) } };
  }

  async #access(app: string, location: StorageLocation, credentials: Record<string, string>): Promise<StorageAccess> {
    const { plugins, policy, appFolder } = this.#deps;
    const ref = await plugins.provider(location.provider);
    return { ref, location, credentials, policy, appFolder: appFolder(app) };
  }

  async #view(app: string, block: StorageBlock, warnings: readonly string[]): Promise<S3View> {
    const { secrets, plugins, log } = this.#deps;
    const path = recordingPath(block, await plugins.providerRefs());
    const declared = await plugins.credentialsOf(block.provider);
    const deps = { secrets, oldPlaces: this.#oldPlaces, uses: this.#uses, log };
    return storageView(app, block, { path, warnings, declared }, deps);
  }
}
