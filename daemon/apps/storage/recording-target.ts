import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import { ApiError } from '#shared/errors.ts';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import type { StorageCredentials } from './credentials.ts';
import type { StorageLocation } from './location.ts';
import { type RecordingCredentials, roleCredentials } from './role.ts';
import type { StorageTargetInput, StorageTargetOutput } from './tasks/storage-target.ts';
import { STORAGE_TARGET } from './tasks.ts';
import { providerUnavailable } from './unavailable.ts';

/** Where LiveKit writes a recording. */
export interface RecordingTarget {
  target: EgressTarget;
  /** When the credentials in it expire, milliseconds since 1970; null = never. */
  expiresAt: number | null;
}

interface RecordingTargetsDeps {
  plugins: PluginService;
  pool: WorkerPool;
  policy: EndpointPolicy;
  /** Called with credentials that must not be logged. @returns forgets them */
  conceal?(value: string): () => void;
}

/** Asks providers where LiveKit should write. */
export class RecordingTargets {
  readonly #deps: RecordingTargetsDeps;
  /** Ways to let the log forget the role's last credentials. */
  #concealed: (() => void)[] = [];

  constructor(deps: RecordingTargetsDeps) {
    this.#deps = deps;
  }

  /** @throws ApiError RECORDING_NOT_TAKEN, PLUGIN_FAILED */
  async of(
    app: string,
    { location, credentials: stored }: { location: StorageLocation; credentials: StorageCredentials },
  ): Promise<RecordingTarget> {
    const { pool, plugins, policy } = this.#deps;
    const { expiresAt, ...credentials } = await this.#credentials(stored);
    const ref = await plugins.provider(location.provider);
    const access: StorageTargetInput['access'] = { ref, location, credentials, policy };
    const output = await plugins.withBroker(app, (port) =>
      pool.run<StorageTargetInput, StorageTargetOutput>(STORAGE_TARGET, { access, port }, { app, transfer: [port] }),
    );
    if ('failure' in output) throw new ApiError('PLUGIN_FAILED', { plugin: ref.plugin, reason: output.failure });
    if ('unavailable' in output) {
      const { message, hint } = providerUnavailable(ref, output.unavailable);
      throw new ApiError('RECORDING_NOT_TAKEN', { what: '', reason: message }, hint === undefined ? {} : { hint });
    }
    if ('problem' in output) throw new ApiError('RECORDING_NOT_TAKEN', { what: '', reason: output.problem });
    return { target: output.target, expiresAt };
  }

  async #credentials({ key, secret, role }: StorageCredentials): Promise<RecordingCredentials> {
    if (role === undefined) return { key, secret, sessionToken: '', expiresAt: null };
    const given = await roleCredentials(this.#deps.pool);
    for (const forget of this.#concealed) forget();
    const { conceal } = this.#deps;
    this.#concealed = conceal === undefined ? [] : [conceal(given.secret), conceal(given.sessionToken)];
    return given;
  }
}
