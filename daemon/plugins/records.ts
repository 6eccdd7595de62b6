import type { Preset } from '#shared/plugin-sdk/preset.ts';
import type { PluginProblem } from '#shared/plugin-sdk/problems.ts';
import type { CredentialField, StorageCapabilities } from '#shared/plugin-sdk/storage-provider.ts';

/** Where a plugin comes from: shipped with StreamHub, or put into `<DATA_DIR>/plugins`. */
export type PluginOrigin = 'built-in' | 'installed';

/** A place where plugins lie. */
export interface PluginRoot {
  dir: string;
  origin: PluginOrigin;
}

/** A storage provider that a plugin's manifest names. */
export interface ProviderClaim {
  id: string;
  title: string;
  description: string;
  /** Its objects are files below the app's folder. */
  inAppFolder: boolean;
}

/**
 * A plugin as its files describe it; nothing of it has been run.
 * `verified`: manifest, files and presets are right. `loaded`: its code answered as its manifest says. `failed`: see `reason`.
 */
export interface PluginRecord {
  id: string;
  version: string | null;
  title: string;
  description: string;
  origin: PluginOrigin;
  state: 'verified' | 'loaded' | 'failed';
  /** Why it failed, in one line. */
  reason: string | null;
  /** The same piece by piece; empty unless it failed. */
  problems: PluginProblem[];
  /** Faults that do not keep it from working. */
  warnings: PluginProblem[];
  /** Markdown for people. */
  documentation: string | null;
  presets: Preset[];
  providers: ProviderClaim[];
  /** URL of the module to import, in workers only; changes with its content. */
  entry: string | null;
}

/** How a worker finds a provider. */
export interface ProviderRef {
  plugin: string;
  /** URL of the plugin's entry module. */
  entry: string;
  provider: string;
  /** Its objects are files below the app's folder, which it is told. */
  inAppFolder: boolean;
}

/** What a provider says about itself, as data. */
export interface ProviderDescription {
  id: string;
  title: string;
  description: string;
  docsUrl: string | null;
  capabilities: StorageCapabilities;
  credentials: readonly CredentialField[];
  /** JSON Schema of its settings. */
  settings: Record<string, unknown>;
  maxDeleteBatch: number;
}
