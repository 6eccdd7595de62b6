import type { Preset } from '#shared/plugin-sdk/preset.ts';
import type { PluginProblem } from '#shared/plugin-sdk/problems.ts';
import type { CredentialField, StorageCapabilities } from '#shared/plugin-sdk/storage-provider.ts';

/** Where a plugin comes from: shipped with StreamHub, put into `<DATA_DIR>/plugins`, or installed there with npm. */
export type PluginOrigin = 'built-in' | 'installed' | 'npm';

/** A folder with plugins. */
export interface PluginRoot {
  dir: string;
  origin: 'built-in' | 'installed';
}

/** A storage provider that a plugin's manifest names. */
export interface ProviderClaim {
  id: string;
  title: string;
  description: string;
  /** Its objects are files below the app's folder. */
  inAppFolder: boolean;
  /** LiveKit can write to it. */
  egressTarget: boolean;
}

/**
 * A plugin as its files describe it; none of its code has run.
 * `verified`: manifest, files and presets are right. `failed`: see `reason`.
 */
export interface PluginRecord {
  id: string;
  version: string | null;
  title: string;
  description: string;
  author: string | null;
  license: string | null;
  homepage: string | null;
  origin: PluginOrigin;
  /** Name of its folder or file among the plugins; of one that npm installed, the package's name. */
  name: string;
  state: 'verified' | 'failed';
  /** Why it failed, in one line. */
  reason: string | null;
  /** The same as a list; empty unless it failed. */
  problems: PluginProblem[];
  /** Faults that do not keep it from working. */
  warnings: PluginProblem[];
  /** Markdown for people. */
  documentation: string | null;
  presets: Preset[];
  providers: ProviderClaim[];
  /** URL of the module to import: in workers for built-in plugins, else in a separate process. */
  entry: string | null;
  /** The plugin's folder, links followed. */
  folder: string;
  /** What its process may read: its folder, and the packages that it depends on. */
  readable: string[];
}

/** How a worker finds a provider. */
export interface ProviderRef {
  plugin: string;
  /** URL of the plugin's entry module. */
  entry: string;
  provider: string;
  /** Its objects are files below the app's folder, which it is told; built-in plugins only. */
  inAppFolder: boolean;
  /** LiveKit can write to it; else the daemon moves recordings there. */
  egressTarget: boolean;
}

/** What a provider's code says about itself, as data. Its title and description are in the manifest. */
export interface ProviderDescription {
  id: string;
  docsUrl: string | null;
  capabilities: StorageCapabilities;
  credentials: readonly CredentialField[];
  /** JSON Schema of its settings. */
  settings: Record<string, unknown>;
  maxDeleteBatch: number;
}
