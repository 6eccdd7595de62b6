import { randomUUID } from 'node:crypto';
import type { Log } from '#daemon/platform/log.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import { ApiError } from '#shared/errors.ts';
import type { StorageTestStep } from '#shared/plugin-sdk/storage-test.ts';
import type { S3BucketResult, S3CorsResult, S3TestResult } from '#shared/schema/s3.ts';
import { objectKey } from './keys.ts';
import type { LastUses } from './last-use.ts';
import { LOCAL_PROVIDER } from './location.ts';
import type { StorageAccess } from './open-client.ts';
import type { PageAccess } from './page-access.ts';
import type { StorageBucketInput, StorageBucketOutput } from './tasks/storage-bucket.ts';
import type { StorageTestInput } from './tasks/storage-test.ts';
import { STORAGE_BUCKET, STORAGE_TEST } from './tasks.ts';

export interface StorageTrialsDeps {
  pool: WorkerPool;
  plugins: PluginService;
  /** Where recordings are stored below the app's folder. */
  localDir(app: string): Promise<string>;
  /** A step of a test that the storage refused. */
  onRefused?(step: string): void;
  uses: LastUses;
  pages: PageAccess;
  /** Public address of the daemon, whose pages play what is stored. */
  daemonUrl(): string;
  log: Log<'warn'>;
}

/** Settings to try, and the way to their storage. */
export interface Tried {
  access: StorageAccess;
  /** Of the stored settings. */
  prefix: string;
  provider: string;
  settings: Record<string, unknown>;
}

/** Tries settings that need not be stored: tests their storage, creates its bucket. */
export class StorageTrials {
  readonly #deps: StorageTrialsDeps;

  constructor(deps: StorageTrialsDeps) {
    this.#deps = deps;
  }

  async test(app: string, given: string | undefined, tried: Tried): Promise<S3TestResult> {
    const { localDir, onRefused, uses, pages, daemonUrl, log } = this.#deps;
    const { access, provider } = tried;
    const prefix = provider === LOCAL_PROVIDER ? await localDir(app) : (given ?? tried.prefix);
    const pageOrigin = new URL(daemonUrl()).origin;
    const probeKey = objectKey(prefix, `.streamhub-test-${randomUUID()}`);
    const steps = await testSteps(this.#deps, app, { access, probeKey, pageOrigin });
    for (const { id, state, code, native, status, requestId } of steps) {
      if (state !== 'failed') continue;
      onRefused?.(id);
      log.warn({ app, step: id, code, native, status, requestId }, 'a step of the storage test failed');
    }
    const { state } = steps.find(({ id }) => id === 'pages') ?? {};
    if (state === 'ok' || state === 'warning') pages.note(access.location, state === 'ok');
    const wrong = steps.find(({ state }) => state === 'failed');
    const reason = wrong === undefined ? null : [wrong.message, wrong.cure].filter(Boolean).join(' ');
    uses.note(app, access.location, { ok: wrong === undefined, what: 'test', reason });
    return testResult(tried, probeKey, steps);
  }

  /** @throws ApiError STORAGE_BUCKET_NOT_CREATED */
  async createBucket(app: string, tried: Tried): Promise<S3BucketResult> {
    const output = await this.#changeBucket(app, tried, 'create');
    const bucket = bucketOf(tried);
    if ('problem' in output)
      throw new ApiError('STORAGE_BUCKET_NOT_CREATED', { bucket, reason: output.problem }, { hint: output.cure });
    return { bucket, isNew: output.isNew };
  }

  /** @throws ApiError STORAGE_CORS_NOT_SET */
  async allowPages(app: string, tried: Tried): Promise<S3CorsResult> {
    const output = await this.#changeBucket(app, tried, 'allow-pages');
    const bucket = bucketOf(tried);
    if ('problem' in output) throw new ApiError('STORAGE_CORS_NOT_SET', { bucket, reason: output.problem });
    this.#deps.pages.note(tried.access.location, true);
    return { bucket, isNew: output.isNew };
  }

  #changeBucket(app: string, { access }: Tried, change: StorageBucketInput['change']): Promise<StorageBucketOutput> {
    const { pool, plugins } = this.#deps;
    return plugins.withBroker(app, (port) =>
      pool.run<StorageBucketInput, StorageBucketOutput>(
        STORAGE_BUCKET,
        { access, change, port },
        { app, transfer: [port] },
      ),
    );
  }
}

/**
 * Tests a storage step by step.
 * @param app whose turn it is; null for a storage of the installation
 */
export function testSteps(
  { pool, plugins }: Pick<StorageTrialsDeps, 'pool' | 'plugins'>,
  app: string | null,
  input: Omit<StorageTestInput, 'port'>,
): Promise<StorageTestStep[]> {
  return plugins.withBroker(app, (port) =>
    pool.run<StorageTestInput, StorageTestStep[]>(
      STORAGE_TEST,
      { ...input, port },
      { ...(app === null ? {} : { app }), transfer: [port] },
    ),
  );
}

export const testResult = (
  { provider, settings }: Pick<Tried, 'provider' | 'settings'>,
  probeKey: string,
  steps: StorageTestStep[],
): S3TestResult => ({
  ok: !steps.some(({ state }) => state === 'failed'),
  provider,
  bucket: String(settings['bucket'] ?? ''),
  endpoint: String(settings['endpoint'] ?? ''),
  probeKey,
  steps,
});

const bucketOf = ({ settings }: Tried): string => String(settings['bucket'] ?? '');
