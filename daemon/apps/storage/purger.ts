import { MessageChannel } from 'node:worker_threads';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import { ApiError } from '#shared/errors.ts';
import { STORAGE_ERRORS, type StorageErrorCode, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';
import type { StorageCredentials } from './credentials.ts';
import { currentLocation, type StorageBlock, unrecordedLocation } from './location.ts';
import type { PurgeCheckpoint, PurgeInput, PurgeReport } from './purge/types.ts';
import type { PurgeTask, PurgeTaskOutput } from './tasks/purge.ts';
import { PURGE, PURGE_VOD } from './tasks.ts';

export interface PurgerDeps {
  pool: WorkerPool;
  plugins: PluginService;
  policy: EndpointPolicy;
  configFolders: { apps: string; archive: string };
  databaseFile(app: string): string;
  appFolder(app: string): string;
  /** The active `s3` block of an app. */
  block(app: string): Promise<StorageBlock>;
  credentials(app: string): StorageCredentials;
  /** Credentials of places with older recordings, by `placeId`. */
  kept(app: string): Record<string, StorageCredentials>;
  /** Objects that the storage did not delete. */
  onRefused?(count: number): void;
}

export interface PurgeRequest {
  app: string;
  vodId?: number;
  /** Leaves what is in a storage where it is. */
  leaveObjects?: boolean;
  /** Only what live HLS has left. */
  liveOnly?: boolean;
  checkpoint?: PurgeCheckpoint | null;
  signal?: AbortSignal;
  report?(checkpoint: PurgeCheckpoint, progress: JobProgress): void;
}

/** Sends purges to the worker pool, with what each needs to use the app's storage, and no data of other apps. */
export class Purger {
  readonly #deps: PurgerDeps;

  constructor(deps: PurgerDeps) {
    this.#deps = deps;
  }

  /** Deletes the objects of an app, or of one VOD. Resolves with the outcome, with refused keys counted. */
  async run(request: PurgeRequest): Promise<PurgeCheckpoint> {
    const { pool, plugins, policy, configFolders, databaseFile, appFolder, block, credentials } = this.#deps;
    const { app, vodId, leaveObjects = false, liveOnly = false, checkpoint = null, signal, report } = request;
    const config = await block(app);
    const input: PurgeInput = {
      app,
      databaseFile: databaseFile(app),
      appFolder: appFolder(app),
      current: currentLocation(config),
      unrecorded: unrecordedLocation(config),
      prefix: config.prefix,
      providers: await plugins.providerRefs(),
      credentials: { ...credentials(app) },
      kept: this.#deps.kept(app),
      policy,
      configFolders,
      leaveObjects,
      liveOnly,
      checkpoint,
      ...(vodId === undefined ? {} : { vodId }),
    };
    const { port1, port2 } = new MessageChannel();
    let failure: unknown;
    port1.on('message', (message: PurgeReport) => {
      try {
        report?.(message.checkpoint, message.progress);
      } catch (error) {
        failure = error;
      }
    });
    try {
      const kind = vodId === undefined ? PURGE : PURGE_VOD;
      const output = await plugins.withBroker(app, (pluginPort) => {
        const task: PurgeTask = { input, port: port2, plugins: pluginPort };
        return pool.run<PurgeTask, PurgeTaskOutput>(kind, task, { app, signal, transfer: [port2, pluginPort] });
      });
      if (failure !== undefined) throw failure;
      if ('problem' in output) throw unreadableDatabase(refusalOf(request));
      const refused = output.outcome.failed - (checkpoint?.failed ?? 0);
      if (refused > 0) this.#deps.onRefused?.(refused);
      return output.outcome;
    } finally {
      port1.close();
    }
  }
}

type Refusal = 'STORAGE_PURGE_FAILED' | 'VOD_OBJECTS_KEPT';

const refusalOf = ({ vodId }: PurgeRequest): Refusal =>
  vodId === undefined ? 'STORAGE_PURGE_FAILED' : 'VOD_OBJECTS_KEPT';

/** The rows that name an app's objects cannot be read: nothing may be missed, so nothing is deleted. */
export function unreadableDatabase(code: Refusal = 'STORAGE_PURGE_FAILED'): ApiError {
  const reason = 'The app’s database app.db is missing or damaged, so its objects are unknown.';
  return new ApiError(code, { reason }, { extra: { s3Deleted: 0, s3Failed: 0, failedKeys: [] } });
}

/** What a purge left where it is, one sentence for each storage. */
export function leftWords(leftIn: PurgeCheckpoint['leftIn'] = {}): string[] {
  return Object.entries(leftIn).map(
    ([where, count]) => `${count} ${count === 1 ? 'object was' : 'objects were'} left in ${where}.`,
  );
}

/** Throws for objects that a purge couldn't delete: with counts, the first keys, and the reason in words. */
export function requireComplete(outcome: PurgeCheckpoint, code: Refusal = 'STORAGE_PURGE_FAILED'): void {
  if (outcome.failed === 0) return;
  throw new ApiError(
    code,
    { reason: purgeReason(outcome) },
    {
      extra: {
        s3Deleted: outcome.deleted,
        s3Failed: outcome.failed,
        failedKeys: outcome.failedKeys.map((failure) => failure.key),
        reasons: outcome.reasons,
        storageErrors: outcome.refusals ?? [],
      },
    },
  );
}

/** What a purge left because it is in no storage of the app; undefined when there is nothing. */
export function leftReason({ left }: PurgeCheckpoint): string | undefined {
  if (left === undefined) return undefined;
  const which = left.addresses.join(', ') + (left.count > left.addresses.length ? ', …' : '');
  return `${left.count} ${left.count === 1 ? 'recording was' : 'recordings were'} left: not in a storage of this app, so only the owner of that storage can delete the objects (${which}).`;
}

/** Why objects are left, by the most frequent cause. */
export function purgeReason({ deleted, failed, reasons, refusals = [] }: PurgeCheckpoint): string {
  const code = Object.entries(reasons).sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'FAILED';
  const known = STORAGE_ERRORS[code as StorageErrorCode] as { message: string; cure: string } | undefined;
  const { message, cure } = known ?? STORAGE_ERRORS.FAILED;
  const words =
    code === 'ROW_UNREADABLE'
      ? 'The list of segments in a row of app.db is damaged, so its objects are unknown.'
      : `${withAnswer(message, refusals.find((refusal) => refusal.code === code) ?? {})} ${cure}`;
  return `${failed} of ${deleted + failed} objects could not be deleted. ${words}`;
}
