import { BUNDLED_SDK } from '#daemon/platform/paths.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type {
  SettingsChange,
  StorageClient,
  StorageContext,
  StorageProvider,
} from '#shared/plugin-sdk/storage-provider.ts';
import { describeProviders } from './describe.ts';
import type { PluginDoor } from './door.ts';
import { importPlugin } from './import-plugin.ts';
import { type Judgement, judgeSettings } from './provider-calls.ts';
import type { ProviderDescription, ProviderRef } from './records.ts';
import { describeRemotely, judgeRemotely, RemoteStorage } from './remote-provider.ts';

/** A provider for the tasks of workers, wherever its code runs. */
export interface LoadedProvider {
  /** Completes and judges settings; with null for `change` they are only brought into form. */
  judge(settings: Record<string, unknown>, change: SettingsChange | null): Promise<Judgement>;
  open(context: StorageContext): Promise<StorageClient>;
}

/** @throws StorageError when the plugin cannot be used now */
export async function loadProvider(ref: ProviderRef, door: PluginDoor): Promise<LoadedProvider> {
  const { address } = await door.open(ref.plugin);
  if (address !== null) {
    return {
      judge: (settings, change) => judgeRemotely(door, ref, settings, change),
      open: ({ settings, credentials }) => RemoteStorage.open(door, ref, settings, credentials),
    };
  }
  const { storageProviders } = await importPlugin(ref.entry, BUNDLED_SDK);
  const provider = storageProviders?.find((candidate) => candidate.id === ref.provider) as StorageProvider | undefined;
  if (provider === undefined)
    throw new StorageError('UNSUPPORTED', { detail: `The plugin ${ref.plugin} does not export ${ref.provider}.` });
  return {
    judge: async (settings, change) => judgeSettings(provider, settings, change),
    open: async (context) => provider.open(context),
  };
}

/** What the providers of a plugin say about themselves. @throws PluginRefusal when that is not what its manifest says */
export async function describePlugin(
  door: PluginDoor,
  { plugin, entry, ids }: { plugin: string; entry: string; ids: readonly string[] },
): Promise<ProviderDescription[]> {
  const { address } = await door.open(plugin);
  if (address !== null) return describeRemotely(door, plugin, ids);
  return describeProviders(await importPlugin(entry, BUNDLED_SDK), ids);
}
