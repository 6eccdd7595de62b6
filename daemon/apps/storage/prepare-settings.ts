import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import { ApiError } from '#shared/errors.ts';
import { USUAL_CREDENTIAL } from '#shared/plugin-sdk/credential-length.ts';
import { isOptionValue, OPTION_VALUES, type PutS3Body } from '#shared/schema/s3.ts';
import type { StoragePlace } from './location.ts';
import { checkLengths, givenFields, mergedSettings, requireSound } from './settings-change.ts';
import type { StorageSettingsInput, StorageSettingsOutput } from './tasks/storage-settings.ts';
import { STORAGE_SETTINGS } from './tasks.ts';
import { providerUnavailable } from './unavailable.ts';

interface PrepareDeps {
  pool: WorkerPool;
  plugins: PluginService;
  policy: EndpointPolicy;
}

/**
 * Lets the provider complete and validate the settings that a body leads to.
 * @param app whose turn it is; null for a storage of the installation
 */
export async function prepareSettings(
  { pool, plugins, policy }: PrepareDeps,
  app: string | null,
  block: StoragePlace,
  body: PutS3Body,
): Promise<{ settings: Record<string, unknown>; warnings: string[] }> {
  const provider = body.provider ?? block.provider;
  const ref = await plugins.provider(provider);
  if (Math.max(body.key?.length ?? 0, body.secret?.length ?? 0) > USUAL_CREDENTIAL)
    checkLengths(body, (await plugins.providers()).find(({ id }) => id === provider)?.credentials ?? []);
  const input: Omit<StorageSettingsInput, 'port'> = {
    ref,
    settings: mergedSettings(block, body),
    change: { given: givenFields(body), previousProvider: block.provider },
    options: Object.keys(body.options ?? {}),
    policy,
  };
  const output = await plugins.withBroker(app, (port) =>
    pool.run<StorageSettingsInput, StorageSettingsOutput>(
      STORAGE_SETTINGS,
      { ...input, port },
      { ...(app === null ? {} : { app }), transfer: [port] },
    ),
  );
  if ('problem' in output) {
    if (output.code !== 'PLUGIN_FAILED') throw providerUnavailable(ref, output.problem);
    throw new ApiError('PLUGIN_FAILED', { plugin: ref.plugin, reason: output.problem });
  }
  const warnings = requireSound(output.findings);
  const odd = Object.keys(output.settings).find((name) => !isOptionValue(output.settings[name]));
  if (odd !== undefined) {
    const reason = `its setting ${odd} got a value that is not ${OPTION_VALUES}`;
    throw new ApiError('PLUGIN_FAILED', { plugin: ref.plugin, reason });
  }
  return { settings: output.settings, warnings };
}
