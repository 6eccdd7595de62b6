import type { Preset } from '#shared/plugin-sdk/preset.ts';
import type { ProviderDescription } from './records.ts';

/** A preset and the plugin that brought it. */
export interface PluginPreset {
  plugin: string;
  preset: Preset;
}

/** A provider's own words, and the plugin that brought it. */
export interface PluginProvider extends ProviderDescription {
  plugin: string;
  pluginVersion: string | null;
  /** Its objects are files below the app's own folder. */
  inAppFolder: boolean;
  /** LiveKit can write to it. */
  egressTarget: boolean;
}
