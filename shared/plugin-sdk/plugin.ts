import type { StorageProvider } from './storage-provider.ts';

/** What a plugin's entry module exports. */
export interface Plugin {
  /** The providers named in the manifest, by the same ids. */
  storageProviders?: readonly StorageProvider<any>[];
}

/** Declares a plugin; its result is the default export of the manifest's `entry`. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
