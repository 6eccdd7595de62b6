import { BUNDLED_SDK } from '#daemon/platform/paths.ts';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type {
  SettingsChange,
  StorageClient,
  StorageContext,
  StorageProvider,
} from '#shared/plugin-sdk/storage-provider.ts';
import type { BrokerClient } from './broker-client.ts';
import { describeProviders } from './describe.ts';
import { importPlugin } from './import-plugin.ts';
import { targetOf, type ValidatedSettings, validateSettings } from './provider-calls.ts';
import type { ProviderDescription, ProviderRef } from './records.ts';
import { describeRemotely, RemoteStorage, targetRemotely, validateRemotely } from './remote-provider.ts';

/** A provider for the tasks of workers, wherever its code runs. */
export interface LoadedProvider {
  /** Completes and validates settings; with null for `change` they are only brought into form. */
  validate(settings: Record<string, unknown>, change: SettingsChange | null): Promise<ValidatedSettings>;
  /** How LiveKit writes to the storage; not checked yet. */
  egressTarget(settings: Record<string, unknown>, credentials: Readonly<Record<string, string>>): Promise<EgressTarget>;
  open(context: StorageContext): Promise<StorageClient>;
}

/** @throws StorageError when the plugin cannot be used now */
export async function loadProvider(ref: ProviderRef, broker: BrokerClient): Promise<LoadedProvider> {
  const { address } = await broker.open(ref.plugin);
  if (address !== null) {
    return {
      validate: (settings, change) => validateRemotely(broker, ref, settings, change),
      egressTarget: (settings, credentials) => targetRemotely(broker, ref, settings, credentials),
      open: ({ settings, credentials }) => RemoteStorage.open(broker, ref, settings, credentials),
    };
  }
  const { storageProviders } = await importPlugin(ref.entry, BUNDLED_SDK);
  const provider = storageProviders?.find((candidate) => candidate.id === ref.provider) as StorageProvider | undefined;
  if (provider === undefined)
    throw new StorageError('UNSUPPORTED', { detail: `The plugin ${ref.plugin} does not export ${ref.provider}.` });
  return {
    validate: async (settings, change) => validateSettings(provider, settings, change),
    egressTarget: async (settings, credentials) => targetOf(provider, settings, credentials),
    open: async (context) => provider.open(context),
  };
}

/** What the providers of a plugin say about themselves. @throws PluginRefusal when that is not what its manifest says */
export async function describePlugin(
  broker: BrokerClient,
  { plugin, entry, ids }: { plugin: string; entry: string; ids: readonly string[] },
): Promise<ProviderDescription[]> {
  const { address } = await broker.open(plugin);
  if (address !== null) return describeRemotely(broker, plugin, ids);
  return describeProviders(await importPlugin(entry, BUNDLED_SDK), ids);
}
