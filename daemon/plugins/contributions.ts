import type { Preset } from '#shared/plugin-sdk/preset.ts';
import type { PluginLifecycle } from './lifecycle.ts';
import type { PluginRecord, ProviderClaim, ProviderDescription, ProviderRef } from './records.ts';

/** A preset and the plugin that brought it. */
export interface PluginPreset {
  plugin: string;
  preset: Preset;
}

/** A provider as its manifest and its code describe it, and the plugin that brought it. */
export interface PluginProvider extends ProviderDescription, ProviderClaim {
  plugin: string;
  pluginVersion: string | null;
}

type Lifecycles = Iterable<PluginLifecycle>;

/** Presets that can be applied now, in the order of plugins and of their manifests. */
export const presetsOf = (lifecycles: Lifecycles, isSafeMode: boolean): PluginPreset[] =>
  [...lifecycles]
    .filter(({ record, isEnabled }) => isEnabled && !(isSafeMode && record.origin !== 'built-in'))
    .flatMap(({ record }) => record.presets.map((preset) => ({ plugin: record.id, preset })));

/** Names of the providers that may be used now. */
export const usableProviders = (lifecycles: Lifecycles, isSafeMode: boolean): string[] =>
  providerIdsOf([...lifecycles].filter((lifecycle) => lifecycle.refusal(isSafeMode) === undefined));

/** Names that a config may hold: those of disabled and broken plugins too. */
export const providerIdsOf = (lifecycles: Lifecycles): string[] =>
  [...lifecycles].flatMap(({ record }) => record.providers.map((provider) => provider.id));

/** Where workers find all providers, by id. */
export function providerRefsOf(lifecycles: Lifecycles): Record<string, ProviderRef> {
  const refs: Record<string, ProviderRef> = {};
  for (const { record } of lifecycles) {
    if (record.state === 'failed' || record.entry === null) continue;
    const { id: plugin, entry } = record;
    for (const { id, inAppFolder, egressTarget } of record.providers) {
      refs[id] = { plugin, entry, provider: id, inAppFolder, egressTarget };
    }
  }
  return refs;
}

/** What the code of a plugin says of its providers, with the words of its manifest. */
export function describedProviders(
  { id: plugin, version: pluginVersion, providers }: PluginRecord,
  descriptions: readonly ProviderDescription[],
): PluginProvider[] {
  return descriptions.flatMap((description) => {
    const claim = providers.find(({ id }) => id === description.id);
    return claim === undefined ? [] : [{ ...description, ...claim, plugin, pluginVersion }];
  });
}
