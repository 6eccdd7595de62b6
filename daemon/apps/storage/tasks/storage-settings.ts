import type { MessagePort } from 'node:worker_threads';
import { type EndpointPolicy, endpointProblem } from '#daemon/platform/net/endpoint-policy.ts';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { loadProvider } from '#daemon/plugins/load-provider.ts';
import type { ProviderRef } from '#daemon/plugins/records.ts';
import { detailOf } from '#daemon/plugins/wire/protocol.ts';
import { StorageError, type StorageErrorCode } from '#shared/plugin-sdk/storage-error.ts';
import type { SettingsChange, SettingsFinding } from '#shared/plugin-sdk/storage-provider.ts';

export interface StorageSettingsInput {
  ref: ProviderRef;
  /** The active settings with the change applied. */
  settings: Record<string, unknown>;
  change: SettingsChange;
  /** Names of the provider's own settings that the change names. */
  options: readonly string[];
  policy: EndpointPolicy;
  /** The way to the provider's plugin. */
  port: MessagePort;
}

export type StorageSettingsOutput =
  | {
      /** In the form in which the provider stores them. */
      settings: Record<string, unknown>;
      findings: SettingsFinding[];
    }
  /** The provider could not be asked. */
  | { problem: string; code: StorageErrorCode };

/** Lets a provider complete and validate its settings. */
export default async function storageSettings(input: StorageSettingsInput): Promise<StorageSettingsOutput> {
  let isThere = false;
  try {
    return await withPlugins(input.port, async (broker) => {
      const provider = await loadProvider(input.ref, broker);
      isThere = true;
      const { settings, findings, unknown, endpoint } = await provider.validate(input.settings, input.change);
      const refused = endpoint === null ? undefined : endpointProblem(endpoint, input.policy);
      if (refused !== undefined) findings.push({ path: 'endpoint', message: refused, severity: 'error' });
      for (const path of input.options.filter((name) => unknown.includes(name)))
        findings.push({ path, message: `is not a setting of ${input.ref.provider}`, severity: 'error' });
      return { settings, findings };
    });
  } catch (error) {
    if (error instanceof StorageError)
      return { problem: detailOf(error).replace(/\.$/, ''), code: isThere ? error.code : 'PLUGIN_OFF' };
    throw error;
  }
}
