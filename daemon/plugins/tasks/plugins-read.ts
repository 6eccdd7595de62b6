import { readPlugins } from '../read-plugins.ts';
import type { PluginRecord, PluginRoot } from '../records.ts';

/** Finds and verifies plugins: their files are untrusted text. */
export default async function pluginsRead(roots: readonly PluginRoot[]): Promise<PluginRecord[]> {
  return readPlugins(roots);
}
