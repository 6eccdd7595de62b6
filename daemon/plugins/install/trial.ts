import { stringify } from 'yaml';
import { Background } from '#daemon/platform/background.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { BUILT_IN_PLUGINS } from '#daemon/platform/paths.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import { checkConfig } from '#shared/config/check.ts';
import type { Preset } from '#shared/plugin-sdk/preset.ts';
import { type PluginProblem, pluginProblem } from '#shared/plugin-sdk/problems.ts';
import type { PluginRecord } from '../records.ts';
import { type PluginLimits, PluginService } from '../service.ts';

/** What a plugin is tried with: the limits and rules that it will have where it is installed. */
export interface TrialHost {
  pool: WorkerPool;
  policy: EndpointPolicy;
  limits: PluginLimits;
  /** True: its files are checked, its code doesn't run. */
  isSafeMode: boolean;
}

/** A plugin that was tried. */
export interface TriedPlugin {
  record: PluginRecord;
  /** What keeps it from loading; empty = it works. */
  problems: readonly PluginProblem[];
  /** Faults that do not keep it from working. */
  warnings: readonly PluginProblem[];
}

/**
 * Checks the one plugin in a folder as the daemon does, beside the built-in ones, and lets its code describe itself.
 * Nothing is kept or announced.
 * @param onRead is given the plugin after its files were checked and before its code runs; it may throw to refuse it
 * @returns undefined if there is no plugin in the folder
 */
export async function tryPlugin(
  root: string,
  host: TrialHost,
  onRead?: (record: PluginRecord) => void,
): Promise<TriedPlugin | undefined> {
  const service = new PluginService({
    ...host,
    roots: [
      { dir: BUILT_IN_PLUGINS, origin: 'built-in' },
      { dir: root, origin: 'installed' },
    ],
    repository: { all: () => [], save() {}, forget() {} },
    events: new EventBus(() => {}),
    background: new Background({ log: { info() {}, warn() {} } }),
    log: { error() {}, warn() {}, info() {} },
  });
  try {
    const find = async () => (await service.records()).find(({ origin }) => origin === 'installed');
    const read = await find();
    if (read === undefined) return undefined;
    if (read.state !== 'failed') onRead?.(read);
    // its code is asked about itself
    await service.view(read.id);
    const record = (await find()) ?? read;
    const { problems, warnings, presets } = record;
    return { record, problems, warnings: [...warnings, ...presets.flatMap(configFaults)] };
  } finally {
    await service.stop();
  }
}

/** What an app's config would say of the values that a preset sets. */
function configFaults({ id, patch }: Preset): PluginProblem[] {
  const { diagnostics } = checkConfig({ app: 'check', text: stringify(patch) });
  const faults = diagnostics.filter(({ severity, code }) => severity === 'error' || code === 'unknown-key');
  return faults.map(({ path: key, message }) =>
    pluginProblem('PRESET_UNKNOWN_KEY', { key: `preset ${id}: patch.${key}`, detail: message }),
  );
}
